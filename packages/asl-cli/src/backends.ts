import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { type Backend, InputError } from "asl-core";
import { oneOf } from "./arguments.js";

export type BackendName =
  | "onnx"
  | "onnx-web"
  | "reference"
  | "tfjs-cpu"
  | "tfjs-wasm"
  | "tfjs-node"
  | "tfjs-node-gpu"
  | "webgpu";

export interface BackendOptions {
  /** Threads of one operator; the backend's own choice when undefined. */
  readonly threads?: number;
}

interface BackendEntry {
  readonly description: string;
  open(options: BackendOptions): Promise<Backend>;
}

/** Every backend that a command line can name. Loaded when asked for: none costs start-up time unused. */
export const BACKENDS: Readonly<Record<BackendName, BackendEntry>> = {
  onnx: {
    description: "ONNX Runtime on the CPU (onnxruntime-node)",
    async open(options) {
      const { onnxNodeBackend } = await import("asl-onnx/node");
      return onnxNodeBackend(options);
    },
  },
  "onnx-web": {
    description: "ONNX Runtime as WebAssembly (onnxruntime-web), as in a browser",
    async open(options) {
      const { onnxWebBackend } = await import("asl-onnx/web");
      return onnxWebBackend(options);
    },
  },
  reference: {
    description: "plain float32 loops; slow, for checking",
    async open() {
      const { referenceBackend } = await import("asl-reference");
      return referenceBackend({ precision: "f32" });
    },
  },
  "tfjs-cpu": {
    description: "TensorFlow.js in plain JavaScript; slow",
    async open() {
      const { tfjsCpuBackend } = await import("asl-tfjs/cpu");
      return tfjsCpuBackend();
    },
  },
  "tfjs-wasm": {
    description: "TensorFlow.js as WebAssembly, as in a browser",
    async open() {
      const { tfjsWasmBackend } = await import("asl-tfjs/wasm");
      return tfjsWasmBackend();
    },
  },
  "tfjs-node": {
    description: "TensorFlow's C library (@tensorflow/tfjs-node)",
    async open() {
      const { tfjsNodeBackend } = await import("asl-tfjs/node");
      return tfjsNodeBackend();
    },
  },
  "tfjs-node-gpu": {
    description: "the same on an NVIDIA GPU (@tensorflow/tfjs-node-gpu)",
    async open() {
      const { tfjsNodeGpuBackend } = await import("asl-tfjs/node-gpu");
      return tfjsNodeGpuBackend();
    },
  },
  webgpu: {
    description: "WGSL on a GPU through Dawn (package webgpu), as in a browser",
    async open() {
      const { webgpuNodeBackend } = await import("asl-webgpu/node");
      return webgpuNodeBackend();
    },
  },
};

export const BACKEND_NAMES = Object.keys(BACKENDS) as readonly BackendName[];

/** Backends that no command line can run, and the entry points that make them. */
const IN_BROWSERS: Readonly<Record<string, string>> = {
  "onnx-webgpu": "asl-onnx/webgpu",
  "tfjs-webgl": "asl-tfjs/webgl",
  "tfjs-webgpu": "asl-tfjs/webgpu",
};

/** What to say of a name that is no key of BACKENDS. */
const refusalOf = (name: string): string =>
  Object.hasOwn(IN_BROWSERS, name)
    ? `backend "${name}" runs in browsers only (${IN_BROWSERS[name]}); here is one of ${BACKEND_NAMES.join(", ")}`
    : `unknown backend "${name}"; expected one of ${BACKEND_NAMES.join(", ")}`;

/** Throws InputError listing the names when there is none such. */
export async function openBackend(name: string, options: BackendOptions = {}): Promise<Backend> {
  const known = BACKEND_NAMES.find((each) => each === name);
  if (known === undefined) {
    throw new InputError(refusalOf(name));
  }
  try {
    return await BACKENDS[known].open(options);
  } catch (error) {
    const missing = missingPackage(error);
    if (missing === undefined) throw error;
    throw new InputError(`backend "${known}" needs the package ${missing}: npm install ${missing}`, { cause: error });
  }
}

/** The package whose import failed, if that is what went wrong: runtimes are optional. */
function missingPackage(error: unknown): string | undefined {
  if (!(error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND")) return undefined;
  return /Cannot find package '([^']+)'/.exec(error.message)?.[1];
}

/** `--backend NAME`, default onnx. */
export const backendOption = () =>
  new Option(
    "--backend <name>",
    `what computes: ${BACKEND_NAMES.map((name) => `${name} (${BACKENDS[name].description})`).join("; ")}`,
  )
    .argParser((text) => {
      if (Object.hasOwn(IN_BROWSERS, text)) throw new InvalidArgumentError(`The ${refusalOf(text)}.`);
      return oneOf(BACKEND_NAMES, "a backend, one of")(text);
    })
    .default<BackendName>("onnx");

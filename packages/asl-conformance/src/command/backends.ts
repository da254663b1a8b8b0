import { AslError, type Backend, InputError } from "asl-core";
import { referenceBackend } from "asl-reference";
import type { GuestModule } from "../hosts/bundle.js";
import type { Hosts } from "../hosts/hosts.js";
import type { Deviation } from "../report.js";
import { dawnOptions } from "./dawn.js";
import {
  ONNX_DEVIATIONS,
  ONNX_WEBGPU_DEVIATIONS,
  TFJS_CPU_DEVIATIONS,
  TFJS_GPU_DEVIATIONS,
  TFJS_NODE_DEVIATIONS,
  TFJS_WASM_DEVIATIONS,
  WEBGPU_DEVIATIONS,
} from "./deviations.js";

/** A backend as the command runs it. */
export interface Candidate {
  /** As in `--backend`. */
  readonly name: string;
  /** Configurations of one backend share a column of the matrix, and `--backend FAMILY` asks for all of them. */
  readonly family: string;
  readonly deviations: readonly Deviation[];
  /** What names it on the command line; default: --backend and its name. */
  readonly argument?: string;
  /** Where it runs: in this process (default), or in one of its own, beside which those of this process run. */
  readonly host?: "node" | "own";
  /** Computes in more than float32, so that the exact functions, which rest on its rounding, mean nothing to it. */
  readonly isWider?: boolean;
  /** Throws AslError ERR_ASL_BACKEND where this machine has not what the backend needs. */
  open(hosts: Hosts): Promise<OpenBackend>;
}

/** A backend that may hold on to something, a page of a browser, until it is disposed. */
export type OpenBackend = Backend & Partial<AsyncDisposable>;

/** A function that a package exports; the adapters are no dependencies, so they are loaded by name. */
async function exported<F>(specifier: string, name: string): Promise<F> {
  let module: Readonly<Record<string, unknown>>;
  try {
    module = (await import(specifier)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new AslError(
      "ERR_ASL_BACKEND",
      `${specifier} cannot be loaded (${message}); install it beside asl-conformance`,
    );
  }
  const found = module[name];
  if (typeof found !== "function") throw new InputError(`${specifier} exports no function ${name}`);
  return found as F;
}

const opened = async (specifier: string, name: string, options: object): Promise<Backend> =>
  (await exported<(options: object) => Backend>(specifier, name))(options);

/** asl-webgpu on Dawn, on SwiftShader where the machine has no GPU. */
async function openedOnDawn(): Promise<Backend> {
  const hasAdapter = await exported<() => Promise<boolean>>("asl-webgpu/node", "hasWebgpuAdapter");
  return opened("asl-webgpu/node", "webgpuNodeBackend", await dawnOptions(hasAdapter));
}

/** An adapter in a page of Chromium. */
const inChromium = (name: string, module: GuestModule, deviations: readonly Deviation[] = []): Candidate => ({
  name,
  family: name,
  deviations,
  host: "own",
  open: (hosts) => hosts.chromium(module),
});

const LEVELS = ["disabled", "basic", "extended", "layout", "all"] as const;
const THREADS = [1, 2] as const;

const onnxNode = LEVELS.flatMap((graphOptimizationLevel) =>
  THREADS.map(
    (threads): Candidate => ({
      name: `onnx-${graphOptimizationLevel}-${threads}`,
      family: "onnx",
      deviations: ONNX_DEVIATIONS,
      // all operators on ONNX Runtime itself; onnx-loops is what users get
      open: () =>
        opened("asl-onnx/node", "onnxNodeBackend", {
          threads,
          elementwise: "graph",
          sessionOptions: { graphOptimizationLevel },
          // of two bindings of one library, onnxruntime-node's own on one level
          ...(graphOptimizationLevel === "layout" ? { binding: "node" } : {}),
        }),
    }),
  ),
);

/** Every backend that the command knows, in the order of the matrix. */
export const CANDIDATES: readonly Candidate[] = [
  ...(["f64", "f32"] as const).map(
    (precision): Candidate => ({
      name: `reference-${precision}`,
      family: `reference-${precision}`,
      deviations: [],
      isWider: precision === "f64",
      open: async () => referenceBackend({ precision }),
    }),
  ),
  ...onnxNode,
  {
    name: "onnx-loops",
    family: "onnx",
    deviations: ONNX_DEVIATIONS,
    open: () => opened("asl-onnx/node", "onnxNodeBackend", {}),
  },
  {
    name: "onnx-web",
    family: "onnx-web",
    deviations: ONNX_DEVIATIONS,
    open: () => opened("asl-onnx/web", "onnxWebBackend", { threads: 1 }),
  },
  inChromium(
    "onnx-web-chromium",
    { specifier: "asl-onnx/web", create: "onnxWebBackend", options: { threads: 1 } },
    ONNX_DEVIATIONS,
  ),
  inChromium("onnx-webgpu", { specifier: "asl-onnx/webgpu", create: "onnxWebgpuBackend" }, ONNX_WEBGPU_DEVIATIONS),
  {
    name: "tfjs-cpu",
    family: "tfjs-cpu",
    deviations: TFJS_CPU_DEVIATIONS,
    open: () => opened("asl-tfjs/cpu", "tfjsCpuBackend", {}),
  },
  {
    name: "tfjs-wasm",
    family: "tfjs-wasm",
    deviations: TFJS_WASM_DEVIATIONS,
    open: () => opened("asl-tfjs/wasm", "tfjsWasmBackend", {}),
  },
  {
    name: "tfjs-node",
    family: "tfjs-node",
    deviations: TFJS_NODE_DEVIATIONS,
    open: () => opened("asl-tfjs/node", "tfjsNodeBackend", {}),
  },
  inChromium("tfjs-webgl", { specifier: "asl-tfjs/webgl", create: "tfjsWebglBackend" }, TFJS_GPU_DEVIATIONS),
  inChromium("tfjs-webgpu", { specifier: "asl-tfjs/webgpu", create: "tfjsWebgpuBackend" }, TFJS_GPU_DEVIATIONS),
  {
    name: "webgpu",
    family: "webgpu",
    deviations: WEBGPU_DEVIATIONS,
    open: openedOnDawn,
  },
  inChromium("webgpu-chromium", { specifier: "asl-webgpu", create: "webgpuBackend" }, WEBGPU_DEVIATIONS),
  {
    name: "webgpu-deno",
    family: "webgpu-deno",
    deviations: [],
    host: "own",
    open: (hosts) => hosts.deno({ specifier: "asl-webgpu", create: "webgpuBackend" }),
  },
];

/** Candidates by name or family; all when no name is given. Throws InputError for a name that is none. */
export function candidatesOf(names: readonly string[]): readonly Candidate[] {
  if (names.length === 0) return CANDIDATES;
  const chosen = names.flatMap((name) => {
    const found = CANDIDATES.filter((candidate) => candidate.name === name || candidate.family === name);
    if (found.length === 0) {
      const known = [...new Set(CANDIDATES.flatMap((candidate) => [candidate.family, candidate.name]))].join(", ");
      throw new InputError(`no backend is called "${name}"; expected one of ${known}`);
    }
    return found;
  });
  return [...new Set(chosen)];
}

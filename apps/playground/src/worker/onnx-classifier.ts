import { InputError } from "asl-core";
import { type OnnxModelSession, parseClassifierMetadata } from "asl-onnx";
import { openOnnxModelWeb } from "asl-onnx/web";
import { type Classifier, DEFAULTS, sigmoid } from "./classifier.js";
import type { BackendState, ModelAbout, ModelFile } from "./protocol.js";

const FIXED =
  "An .onnx file is a finished network whose head cannot be reached. Load its checkpoint (.safetensors or .pth) to teach it.";

const BACKEND: BackendState = {
  running: "wasm",
  device: "ONNX Runtime Web on WebAssembly",
  others: [{ name: "webgpu", reason: "an .onnx file runs on ONNX Runtime; checkpoints run on WebGPU" }],
};

/** A classifier from an ONNX file: one input f32[batch,3,S,S] in [0,1], one output f32[batch,classes] of logits. */
export async function openOnnxClassifier({ name, bytes }: ModelFile): Promise<Classifier> {
  const session = await openOnnxModelWeb(new Uint8Array(bytes));
  const refuse = (): never => {
    throw new InputError(FIXED);
  };
  try {
    const { input, output, ...about } = describe(name, session);
    return {
      about,
      backend: BACKEND,
      use: async () => BACKEND,
      async score(images) {
        const logits = (await session.run({ [input]: images }))[output]!.data;
        return { scores: Array.from(logits, sigmoid), features: new Float32Array(0) };
      },
      rescore: async () => refuse(),
      tune: async () => refuse(),
      undo: async () => refuse(),
      save: async () => refuse(),
      [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
    };
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

function describe(file: string, session: OnnxModelSession): ModelAbout & { input: string; output: string } {
  const metadata = parseClassifierMetadata(file, session.metadata);
  const [inputs, outputs] = [Object.entries(session.inputs), Object.entries(session.outputs)];
  const [input, type] = inputs[0] ?? ["", undefined];
  const [, channels, height] = type?.shape ?? [];
  if (inputs.length !== 1 || type?.shape.length !== 4 || type.dtype !== "f32" || channels !== 3) {
    throw new InputError(`${file}: this network takes no pictures; one input f32[batch,3,S,S] is expected`);
  }
  const found = outputs.find(([name]) => name === "logits") ?? outputs.find(([, { shape }]) => shape.length === 2);
  const classes = found?.[1].shape[1];
  if (found === undefined || typeof classes !== "number") {
    throw new InputError(`${file}: this network is no classifier; an output f32[batch,classes] is expected`);
  }
  const imageSize = typeof height === "number" ? height : (metadata.imageSize ?? DEFAULTS.imageSize);
  const classNames = metadata.labels ?? Array.from({ length: classes }, (_, index) => `class ${index}`);
  if (classNames.length !== classes) {
    throw new InputError(`${file}: it has ${classes} outputs, but names ${classNames.length} labels`);
  }
  return {
    ...{ file, input, output: found[0], classNames, imageSize, fixed: FIXED },
    architecture: `ONNX network${session.producerName === "" ? "" : ` of ${session.producerName}`}`,
    thresholds: metadata.thresholds ?? DEFAULTS.thresholds,
    resizeFilter: metadata.resizeFilter ?? DEFAULTS.resizeFilter,
    notes: metadata.labels === undefined ? ["The file names no classes."] : [],
  };
}

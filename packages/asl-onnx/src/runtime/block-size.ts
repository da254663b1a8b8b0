import { f32 } from "asl-core";
import { IR_VERSION, OPSET } from "../model.js";
import { DATA_TYPE, type ModelProto } from "../proto/messages.js";
import { ModelSession } from "./model-session.js";
import { sessionOptions } from "./options.js";
import { type OnnxRuntime, toRuntime } from "./tensors.js";
import { triedOnce } from "./trial.js";

/**
 * Channels per block of ONNX Runtime's blocked convolutions (16 with AVX-512, 8 with AVX2), or undefined where this
 * build or processor has none. Tried once for each runtime: a blocked tensor has its channels rounded up to a block.
 */
export const blockSizeOf = triedOnce((runtime) => probe(runtime).catch(() => undefined));

/** Reorders one picture of four channels and one pixel. */
async function probe(runtime: OnnxRuntime): Promise<number | undefined> {
  const domain = "com.microsoft.nchwc";
  const tensorType = (...extents: number[]) => ({
    tensorType: { elemType: DATA_TYPE.float, shape: { dim: extents.map((dimValue) => ({ dimValue })) } },
  });
  const model: ModelProto = {
    irVersion: IR_VERSION,
    opsetImport: [
      { domain: "", version: OPSET },
      { domain, version: 1 },
    ],
    graph: {
      name: "probe",
      node: [{ name: "reorder", opType: "ReorderInput", domain, input: ["x"], output: ["y"], attribute: [] }],
      initializer: [],
      input: [{ name: "x", type: tensorType(1, 4, 1, 1) }],
      output: [{ name: "y", type: { tensorType: { elemType: DATA_TYPE.float } } }],
    },
  };
  const session = await ModelSession.load(runtime, "probe", model, sessionOptions("training", {}));
  try {
    const x = toRuntime(runtime, f32([1, 4, 1, 1], [1, 2, 3, 4]));
    const block = (await session.run({ x }, { y: null })).y!.dims[1]!;
    return block > 4 ? block : undefined;
  } finally {
    await session.release();
  }
}

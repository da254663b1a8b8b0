import { build, f32 } from "asl-core";
import { toOnnxModel } from "../model.js";
import { ModelSession } from "./model-session.js";
import { sessionOptions } from "./options.js";
import { type OnnxRuntime, toRuntime } from "./tensors.js";
import { triedOnce } from "./trial.js";

/**
 * Whether the runtime writes an output into the memory of a tensor that the caller gives for it, as onnxruntime-common
 * allows. Tried once for each runtime on a model of one node.
 */
export const writesIntoOutputs = triedOnce(probe);

async function probe(runtime: OnnxRuntime): Promise<boolean> {
  const type = { dtype: "f32", shape: [4] } as const;
  const graph = build((builder) => ({ y: builder.apply("neg", [builder.input("x", type)], {}) }));
  const { model } = toOnnxModel(graph, { name: "probe" });
  const session = await ModelSession.load(runtime, "probe", model, sessionOptions("training", {}));
  try {
    const target = f32([4], [0, 0, 0, 0]);
    await session.run({ x: toRuntime(runtime, f32([4], [1, 2, 3, 4])) }, { y: toRuntime(runtime, target) });
    return target.data[3] === -4;
  } finally {
    await session.release();
  }
}

import { build, f32 } from "asl-core";
import { toOnnxModel } from "../model.js";
import { splitModel } from "../proto/encode.js";
import { sessionOptions } from "./options.js";
import { type OnnxRuntime, toRuntime } from "./tensors.js";
import { triedOnce } from "./trial.js";
import { inTurn } from "./turns.js";

/**
 * Whether the runtime takes weights beside the model, out of the caller's memory (the session option `externalData`), so
 * that no second copy of them has to be made. Tried once for each runtime on a model of one node.
 */
export const takesExternalData = triedOnce((runtime) =>
  probeExternalData(runtime, (size) => new Float32Array(size)).catch(() => false),
);

/** More than `splitModel` leaves in the model. */
const SIZE = 2 ** 13;

/** Tries it with weights in the memory that `allocate` gives for so many elements. */
export async function probeExternalData(
  runtime: OnnxRuntime,
  allocate: (size: number) => Float32Array,
): Promise<boolean> {
  const type = { dtype: "f32", shape: [SIZE] } as const;
  const weights = f32([SIZE], allocate(SIZE).fill(3));
  const graph = build((builder) => ({
    y: builder.apply("mul", [builder.input("x", type), builder.input("weights", type)], {}),
  }));
  const { model } = toOnnxModel(graph, { name: "probe", initializers: { weights } });
  const { bytes, externalData } = splitModel(model);
  const options = { ...sessionOptions("training", {}), externalData };
  const session = await inTurn(runtime, () => runtime.InferenceSession.create(bytes, options));
  try {
    const x = toRuntime(runtime, f32([SIZE], new Float32Array(SIZE).fill(2)));
    const { y } = await inTurn(runtime, () => session.run({ x }));
    return y?.data[SIZE - 1] === 6;
  } finally {
    await session.release();
  }
}

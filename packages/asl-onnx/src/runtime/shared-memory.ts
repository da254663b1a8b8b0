import { build, f32, type TensorData } from "asl-core";
import { toOnnxModel } from "../model.js";
import { probeExternalData, takesExternalData } from "./external-data.js";
import { ModelSession } from "./model-session.js";
import { sessionOptions } from "./options.js";
import { writesIntoOutputs } from "./preallocation.js";
import { type OnnxRuntime, toRuntime } from "./tensors.js";
import { triedOnce } from "./trial.js";

/**
 * Whether the runtime takes arrays over a SharedArrayBuffer wherever it takes arrays of a session's memory: as inputs, as
 * outputs to write into and as weights beside a model. Tried once for each runtime on models of one node.
 */
export const takesSharedMemory = triedOnce((runtime) => probe(runtime).catch(() => false));

async function probe(runtime: OnnxRuntime): Promise<boolean> {
  const [x, target] = [shared([1, 2, 3, 4]), shared([0, 0, 0, 0])];
  const graph = build((builder) => ({ y: builder.apply("neg", [builder.input("x", x.type)], {}) }));
  const { model } = toOnnxModel(graph, { name: "probe" });
  const writesInto = await writesIntoOutputs(runtime);
  const session = await ModelSession.load(runtime, "probe", model, sessionOptions("training", {}));
  try {
    const { y } = await session.run(
      { x: toRuntime(runtime, x) },
      { y: writesInto ? toRuntime(runtime, target) : null },
    );
    const result = writesInto ? target.data : y!.data;
    if ([1, 2, 3, 4].some((value, i) => result[i] !== -value)) return false;
  } finally {
    await session.release();
  }
  return (
    !(await takesExternalData(runtime)) ||
    probeExternalData(runtime, (size) => new Float32Array(new SharedArrayBuffer(4 * size)))
  );
}

function shared(values: readonly number[]): TensorData {
  const data = new Float32Array(new SharedArrayBuffer(Float32Array.BYTES_PER_ELEMENT * values.length));
  data.set(values);
  return f32([values.length], data);
}

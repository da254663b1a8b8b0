import { definitionOf } from "asl-core";
import type { DeviceTensor, TensorFlow } from "../tensorflow.js";
import { COARSE_FUNCTIONS, type CoarseFunction, type Quirks } from "./lowering.js";

/** Tries what a TensorFlow.js backend does; `activate` makes it the current one, which others may change meanwhile. */
export async function quirksOf(tf: TensorFlow, backend: string, activate: () => void): Promise<Quirks> {
  const values = async (compute: () => DeviceTensor): Promise<readonly number[]> => {
    activate();
    const tensor = tf.tidy(compute);
    try {
      return [...(await tensor.data())];
    } finally {
      tensor.dispose();
    }
  };
  const [larger] = await values(() => tf.maximum(tf.tensor1d([1]), tf.tensor1d([Number.NaN])));
  const [quotient] = await values(() => tf.div(tf.tensor1d([0]), tf.tensor1d([0])));
  const [largest] = await values(() => tf.max(tf.fill([1, 2], Number.NEGATIVE_INFINITY), [1]));
  const coarse = new Set<CoarseFunction>();
  for (const name of COARSE_FUNCTIONS) {
    const { arguments: given, kernel, truth } = TRIALS[name];
    const results = await values(() => kernel(tf, ...given.map((numbers) => tf.tensor1d([...numbers]))));
    const expected = given[0]!.map((_, i) => truth(...given.map((numbers) => Math.fround(numbers[i]!))));
    if (!keepsContract(name, results, expected)) coarse.add(name);
  }
  return {
    maximumDropsNaN: !Number.isNaN(larger),
    slicesSlowly: backend === "cpu",
    readsLate: backend === "webgl" || backend === "webgpu",
    equalsDivideToOne: quotient === 1,
    maxHasFloor: largest !== Number.NEGATIVE_INFINITY,
    coarse,
  };
}

interface Trial {
  readonly arguments: readonly (readonly number[])[];
  readonly kernel: (tf: TensorFlow, ...inputs: DeviceTensor[]) => DeviceTensor;
  readonly truth: (...inputs: number[]) => number;
}

/** Where kernels that are derived from GLSL's and WGSL's own functions go wrong. */
const TRIALS: Readonly<Record<CoarseFunction, Trial>> = {
  exp: {
    arguments: [[-85.3, -55.5, -30.1, 40.7, 60.3, 87.9]],
    kernel: (tf, x) => tf.exp(x!),
    truth: Math.exp,
  },
  log: {
    arguments: [[1 - 2 ** -24, 1 + 2 ** -20, 0.999, 1.003, 0.93]],
    kernel: (tf, x) => tf.log(x!),
    truth: Math.log,
  },
  sigmoid: {
    arguments: [[-85.3, -55.5, -29.7, -18.1]],
    kernel: (tf, x) => tf.sigmoid(x!),
    truth: (x) => 1 / (1 + Math.exp(-x)),
  },
  pow: {
    arguments: [
      [0, 0, 1e24, 3e30, 1e-25, 0.7],
      [0.3, 2.5, 1.01, 0.97, 1.03, 30],
    ],
    kernel: (tf, a, b) => tf.pow(a!, b!),
    truth: Math.pow,
  },
};

/** Whether |result - expected| is within the op's contract in units in the last place, for normal numbers and 0. */
function keepsContract(name: CoarseFunction, results: readonly number[], expected: readonly number[]): boolean {
  const { accuracy } = definitionOf(name);
  const allowed = accuracy.kind === "ulp" ? accuracy.max : 0;
  return results.every((result, i) => {
    const wanted = expected[i]!;
    const ulp = 2 ** (Math.floor(Math.log2(Math.abs(wanted))) - 23);
    return result === wanted || Math.abs(result - wanted) <= allowed * ulp;
  });
}

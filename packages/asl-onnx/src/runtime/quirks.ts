import {
  AslError,
  build,
  conv2d,
  definitionOf,
  div,
  exp,
  f32,
  type Graph,
  log,
  matmul,
  pow,
  reduceSum,
  sqrt,
  type Tensors,
  type Value,
} from "asl-core";
import type { OnnxOperator } from "../lower/operators.js";
import type { Quirks } from "../lower/quirks.js";
import { toOnnxModel } from "../model.js";
import { ModelSession } from "./model-session.js";
import { sessionOptions } from "./options.js";
import { type OnnxRuntime, toRuntime } from "./tensors.js";
import { triedOnce } from "./trial.js";

/** What the WebGPU kernels of this runtime and device do otherwise than the ops ask; tried once for each runtime. */
export const webgpuQuirks = triedOnce(probe);

type Tried = "exp" | "log" | "pow" | "div" | "sqrt";

interface Trial {
  readonly arguments: readonly (readonly number[])[];
  readonly apply: (...inputs: Value[]) => Value;
  readonly truth: (...inputs: number[]) => number;
}

/** Their quotients, and all their roots, have to be rounded. */
const ODD = Array.from({ length: 64 }, (_, i) => 1 + (2 * i + 1) / 131);

/** Where kernels that follow WGSL's own functions go wrong. */
const TRIALS: Readonly<Record<Tried, Trial>> = {
  exp: { arguments: [[-85.3, -55.5, -30.1, 40.7, 60.3, 87.9]], apply: (x) => exp(x!), truth: Math.exp },
  log: { arguments: [[1 - 2 ** -24, 1 + 2 ** -20, 0.999, 1.003, 0.93]], apply: (x) => log(x!), truth: Math.log },
  pow: {
    arguments: [
      [1e24, 3e30, 1e-25, 0.7],
      [1.01, 0.97, 1.03, 30],
    ],
    apply: (x, y) => pow(x!, y!),
    truth: Math.pow,
  },
  div: { arguments: [ODD, [...ODD].reverse()], apply: (x, y) => div(x!, y!), truth: (x, y) => x! / y! },
  sqrt: { arguments: [ODD], apply: (x) => sqrt(x!), truth: Math.sqrt },
};

/** What the processor is given instead; exp has a lowering of its own, since networks contain it in every sigmoid. */
const OPERATORS: Readonly<Record<Exclude<Tried, "exp">, OnnxOperator>> = {
  log: "Log",
  pow: "Pow",
  div: "Div",
  sqrt: "Sqrt",
};

const NAMES = Object.keys(TRIALS) as readonly Tried[];

async function probe(runtime: OnnxRuntime): Promise<Quirks> {
  const broken = await brokenContracts(runtime);
  const onProcessor = Object.entries(OPERATORS).flatMap(([name, operator]) => (broken.has(name) ? [operator] : []));
  return {
    coarseExp: broken.has("exp"),
    onProcessor: new Set(onProcessor),
    refusesEmpty: !(await takesEmpty(runtime)),
  };
}

/** All trials in one model. */
async function brokenContracts(runtime: OnnxRuntime): Promise<ReadonlySet<string>> {
  const feeds = Object.fromEntries(
    NAMES.flatMap((name) =>
      TRIALS[name].arguments.map((numbers, i) => [`${name}/${i}`, f32([numbers.length], numbers)]),
    ),
  );
  const graph = build((builder) =>
    Object.fromEntries(
      NAMES.map((name) => {
        const inputs = TRIALS[name].arguments.map((_, i) => builder.input(`${name}/${i}`, feeds[`${name}/${i}`]!.type));
        return [name, TRIALS[name].apply(...inputs)];
      }),
    ),
  );
  const results = await runOnce(runtime, graph, feeds);
  return new Set(NAMES.filter((name) => !keepsContract(name, results[name]!.data as Float32Array)));
}

/** Whether products and sums over nothing are 0, and no picture gives no picture. */
async function takesEmpty(runtime: OnnxRuntime): Promise<boolean> {
  const feeds = {
    left: f32([2, 0], []),
    right: f32([0, 3], []),
    pictures: f32([0, 1, 2, 2], []),
    kernel: f32([1, 1, 1, 1], [1]),
  };
  const expected = { product: 6, sum: 3, convolved: 0 };
  const graph = build((builder) => {
    const right = builder.input("right", feeds.right.type);
    return {
      product: matmul(builder.input("left", feeds.left.type), right),
      sum: reduceSum(right, [0]),
      convolved: conv2d(builder.input("pictures", feeds.pictures.type), builder.input("kernel", feeds.kernel.type)),
    };
  });
  try {
    const results = await runOnce(runtime, graph, feeds);
    return Object.entries(expected).every(([name, zeros]) => {
      const data = results[name]!.data as Float32Array;
      return data.length === zeros && data.every((x) => x === 0);
    });
  } catch (error) {
    // a kernel that refuses says so when it is loaded or run
    if (error instanceof AslError && error.code === "ERR_ASL_BACKEND") return false;
    throw error;
  }
}

/** As lowered where nothing is known of the kernels. */
async function runOnce(runtime: OnnxRuntime, graph: Graph, feeds: Tensors) {
  const { model, outputs } = toOnnxModel(graph, { name: "probe" });
  const session = await ModelSession.load(runtime, "probe", model, sessionOptions("training", { provider: "webgpu" }));
  try {
    const tensors = Object.entries(feeds).map(([name, tensor]) => [name, toRuntime(runtime, tensor)] as const);
    const fetches = Object.values(outputs).map((name) => [name, null] as const);
    return await session.run(Object.fromEntries(tensors), Object.fromEntries(fetches));
  } finally {
    await session.release();
  }
}

/** Whether |result - truth| is within the op's contract in units in the last place; all results are normal numbers. */
function keepsContract(name: Tried, results: Float32Array): boolean {
  const { arguments: given, truth } = TRIALS[name];
  const { accuracy } = definitionOf(name);
  const allowed = accuracy.kind === "ulp" ? accuracy.max : 0;
  return results.every((result, i) => {
    const wanted = truth(...given.map((numbers) => Math.fround(numbers[i]!)));
    const ulp = 2 ** (Math.floor(Math.log2(Math.abs(wanted))) - 23);
    return Math.abs(result - wanted) <= allowed * ulp;
  });
}

import { build, definitionOf, div, exp, f32, log, pow, sqrt, type Value } from "asl-core";
import type { OnnxOperator } from "../lower/operators.js";
import type { Quirks } from "../lower/quirks.js";
import { toOnnxModel } from "../model.js";
import { ModelSession } from "./model-session.js";
import { sessionOptions } from "./options.js";
import { type OnnxRuntime, toRuntime } from "./tensors.js";

const known = new WeakMap<object, Promise<Quirks>>();

/** What the WebGPU kernels of this runtime and device do otherwise than the ops ask; tried once for each runtime. */
export function webgpuQuirks(runtime: OnnxRuntime): Promise<Quirks> {
  let answer = known.get(runtime.InferenceSession);
  if (answer === undefined) {
    answer = probe(runtime);
    // a device that was not to be had may be next time
    answer.catch(() => known.delete(runtime.InferenceSession));
    known.set(runtime.InferenceSession, answer);
  }
  return answer;
}

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

/** All trials in one model. */
async function probe(runtime: OnnxRuntime): Promise<Quirks> {
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
  const { model } = toOnnxModel(graph, { name: "probe" });
  const session = await ModelSession.load(runtime, "probe", model, sessionOptions("training", { provider: "webgpu" }));
  try {
    const tensors = Object.entries(feeds).map(([name, tensor]) => [name, toRuntime(runtime, tensor)] as const);
    const results = await session.run(
      Object.fromEntries(tensors),
      Object.fromEntries(NAMES.map((name) => [name, null])),
    );
    const broken = new Set<string>(NAMES.filter((name) => !keepsContract(name, results[name]!.data as Float32Array)));
    const onProcessor = Object.entries(OPERATORS).flatMap(([name, operator]) => (broken.has(name) ? [operator] : []));
    return { coarseExp: broken.has("exp"), onProcessor: new Set(onProcessor), refusesEmpty: true };
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

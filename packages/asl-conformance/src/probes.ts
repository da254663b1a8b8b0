import {
  add,
  type Backend,
  Builder,
  createRandom,
  div,
  equal,
  f32,
  less,
  max,
  min,
  mul,
  neg,
  type Program,
  reduceMax,
  sqrt,
  sub,
  type TensorData,
  type Tensors,
  type Value,
} from "asl-core";
import { bitsOf } from "./float32.js";

/** What a backend's arithmetic does, found out by small graphs. Nothing here passes or fails. */
export type Probes = Readonly<Record<ProbeName, string>>;

export type ProbeName =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "sqrt"
  | "contraction"
  | "reassociation"
  | "denormalResults"
  | "denormalInputs"
  | "nanInMax"
  | "nanInMin"
  | "nanInReduceMax"
  | "nanInComparisons"
  | "signOfZero"
  | "signOfZeroInMaxMin";

interface Probe {
  /** What a column of the table says. */
  readonly title: string;
  /** The answer of IEEE 754 and asl-core's contracts. */
  readonly usual: string;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly graph: (inputs: Readonly<Record<string, Value>>) => Readonly<Record<string, Value>>;
  readonly answer: (outputs: Readonly<Record<string, TensorData["data"]>>) => string;
}

const SAMPLES = 4096;
const random = createRandom("conformance", "probes");
const normals = (count: number) =>
  Array.from({ length: count }, () => Math.fround(random.between(-1, 1) * 2 ** Math.floor(random.between(-20, 20))));
const LEFT = normals(SAMPLES);
const RIGHT = normals(SAMPLES).map((x) => (x === 0 ? 1 : x));
const POSITIVE = LEFT.map(Math.abs);

/** Whether every result is the correctly rounded one. */
function rounding(op: (a: Value, b: Value) => Value, exact: (a: number, b: number) => number, title: string): Probe {
  return {
    title,
    usual: "correct",
    inputs: { a: title === "sqrt" ? POSITIVE : LEFT, b: RIGHT },
    graph: ({ a, b }) => ({ y: op(a!, b!) }),
    answer({ y }) {
      const given = title === "sqrt" ? POSITIVE : LEFT;
      const wrong = given.filter((a, i) => bitsOf(y![i]!) !== bitsOf(exact(a, RIGHT[i]!))).length;
      return wrong === 0 ? "correct" : `${wrong} of ${SAMPLES} wrong`;
    },
  };
}

const hasNaN = (data: ArrayLike<number>) => Array.from(data, (x) => (Number.isNaN(x) ? "NaN" : "number"));
const agreed = (answers: readonly string[]) => [...new Set(answers)].join(" or ");
const signs = (data: ArrayLike<number>) => Array.from(data, (x) => (Object.is(x, -0) ? "-0" : "+0")).join(" ");

/** 1.5 x 2^23: adding and subtracting it rounds to a whole number. */
const MAGIC = 12582912;
const TINY = 2 ** -149;

/** Every probe; one left out does not compile. */
export const PROBES: Readonly<Record<ProbeName, Probe>> = {
  add: rounding(add, (a, b) => a + b, "add"),
  sub: rounding(sub, (a, b) => a - b, "sub"),
  mul: rounding(mul, (a, b) => a * b, "mul"),
  div: rounding(div, (a, b) => a / b, "div"),
  sqrt: rounding(
    (a) => sqrt(a),
    (a) => Math.sqrt(a),
    "sqrt",
  ),
  contraction: {
    title: "a b - c",
    usual: "product rounded",
    inputs: { a: LEFT, b: RIGHT, c: LEFT.map((a, i) => Math.fround(a * RIGHT[i]!)) },
    graph: ({ a, b, c }) => ({ y: sub(mul(a!, b!), c!) }),
    // c is the rounded product: what is left is 0, unless the product was not rounded (a fused multiply-add)
    answer: ({ y }) => (y!.every((x: number) => x === 0) ? "product rounded" : "product not rounded"),
  },
  reassociation: {
    title: "(a + m) - m",
    usual: "as written",
    inputs: { a: LEFT.map((_, i) => i / 8), m: LEFT.map(() => MAGIC) },
    graph: ({ a, m }) => {
      const s = add(a!, m!);
      // TwoSum: the error of a + m, 0 only if the terms are reordered
      const error = sub(a!, sub(s, m!));
      return { y: sub(s, m!), error };
    },
    answer: ({ y, error }) =>
      y!.every((x: number) => Number.isInteger(x)) && error!.some((x: number) => x !== 0) ? "as written" : "reordered",
  },
  denormalResults: {
    title: "denormal results",
    usual: "kept",
    inputs: { a: [2 ** -100, 2 ** -70], b: [2 ** -30, 2 ** -79] },
    graph: ({ a, b }) => ({ y: mul(a!, b!) }),
    answer: ({ y }) => (y!.some((x: number) => x === 0) ? "flushed" : "kept"),
  },
  denormalInputs: {
    title: "denormal inputs",
    usual: "kept",
    inputs: { a: [TINY, 2 ** -127], b: [2 ** 100, 2 ** 100] },
    graph: ({ a, b }) => ({ y: mul(a!, b!) }),
    answer: ({ y }) => (y!.some((x: number) => x === 0) ? "flushed" : "kept"),
  },
  nanInMax: {
    title: "max(NaN, 1)",
    usual: "NaN",
    inputs: { a: [Number.NaN, 1], b: [1, Number.NaN] },
    graph: ({ a, b }) => ({ y: max(a!, b!) }),
    answer: ({ y }) => agreed(hasNaN(y!)),
  },
  nanInMin: {
    title: "min(NaN, 1)",
    usual: "NaN",
    inputs: { a: [Number.NaN, 1], b: [1, Number.NaN] },
    graph: ({ a, b }) => ({ y: min(a!, b!) }),
    answer: ({ y }) => agreed(hasNaN(y!)),
  },
  nanInReduceMax: {
    title: "reduceMax{NaN, 1}",
    usual: "NaN",
    inputs: { a: [Number.NaN, 1, 2], b: [1, 2, Number.NaN] },
    graph: ({ a, b }) => ({ y: reduceMax(a!), z: reduceMax(b!) }),
    answer: ({ y, z }) => agreed([...hasNaN(y!), ...hasNaN(z!)]),
  },
  nanInComparisons: {
    title: "NaN < 1, NaN = NaN",
    usual: "false",
    inputs: { a: [Number.NaN, 1, Number.NaN], b: [1, Number.NaN, Number.NaN] },
    graph: ({ a, b }) => ({ y: less(a!, b!), z: equal(a!, b!) }),
    answer: ({ y, z }) => ([...y!, ...z!].every((x) => x === 0) ? "false" : "true"),
  },
  signOfZero: {
    title: "-(0), -1 x 0, 0 - 0",
    usual: "-0 -0 +0",
    inputs: { zero: [0], one: [-1] },
    graph: ({ zero, one }) => ({ a: neg(zero!), b: mul(one!, zero!), c: sub(zero!, zero!) }),
    answer: ({ a, b, c }) => signs([a![0]!, b![0]!, c![0]!]),
  },
  signOfZeroInMaxMin: {
    title: "max, min of +0, -0",
    usual: "+0 +0 -0 -0",
    inputs: { a: [0, -0], b: [-0, 0] },
    graph: ({ a, b }) => ({ y: max(a!, b!), z: min(a!, b!) }),
    answer: ({ y, z }) => signs([...y!, ...z!]),
  },
};

export const PROBE_NAMES = Object.keys(PROBES) as readonly ProbeName[];

/** The answers of a backend; "refused: MESSAGE" where it threw. */
export async function probe(backend: Backend): Promise<Probes> {
  const answers: Partial<Record<ProbeName, string>> = {};
  for (const name of PROBE_NAMES) answers[name] = await ask(backend, PROBES[name]);
  // one answer for each name has just been given
  return answers as Probes;
}

async function ask(backend: Backend, { inputs, graph, answer }: Probe): Promise<string> {
  const builder = new Builder();
  const feeds: Tensors = Object.fromEntries(
    Object.entries(inputs).map(([name, numbers]) => [name, f32([numbers.length], numbers)]),
  );
  const values = Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => [name, builder.input(name, tensor.type)]),
  );
  const program: Program = { graph: builder.finish(graph(values)), reads: {}, writes: {}, finite: [] };
  try {
    await using session = await backend.compile({}, { program });
    const outputs = await session.run("program", feeds);
    return answer(Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data])));
  } catch (error) {
    return `refused: ${error instanceof Error ? error.message : String(error)}`;
  }
}

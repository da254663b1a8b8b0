import { OP_NAMES, type OpName, traitsOf } from "asl-core";
import { describe, expect, it } from "vitest";
import type { Fixture } from "../src/fixture.js";
import { loadFixtures } from "../src/load.js";

/** The edges that every op has cases of, as questions that a case's data answer. */
const EDGES = {
  "+0": (each) => numbersOf(each).some((x) => Object.is(x, 0)),
  "-0": (each) => numbersOf(each).some((x) => Object.is(x, -0)),
  denormals: (each) => numbersOf(each).some((x) => x !== 0 && Math.abs(x) < 2 ** -126),
  "largest finite": (each) => numbersOf(each).some((x) => Math.abs(x) === 2 ** 128 - 2 ** 104),
  infinities: (each) => numbersOf(each).some((x) => Math.abs(x) === Number.POSITIVE_INFINITY),
  NaN: (each) => numbersOf(each).some(Number.isNaN),
  "empty axes": (each) => shapesOf(each).some((shape) => shape.includes(0)),
  "size-1 axes": (each) => shapesOf(each).some((shape) => shape.includes(1)),
  "odd sizes": (each) => shapesOf(each).some((shape) => shape.some((extent) => extent > 1 && extent % 2 === 1)),
  "asymmetric padding": ({ graph }) =>
    graph.nodes.some(({ attrs }) => {
      if ("padding" in attrs) return attrs.padding.some(([before, after]) => before !== after);
      return "low" in attrs && attrs.low.some((width, axis) => width !== attrs.high[axis]);
    }),
  groups: ({ graph }) => graph.nodes.some(({ attrs }) => "groups" in attrs && attrs.groups > 1),
  ties: (each) => {
    const numbers = numbersOf(each);
    return new Set(numbers).size < numbers.length;
  },
} satisfies Record<string, (fixture: Fixture) => boolean>;

type Edge = keyof typeof EDGES;

const numbersOf = ({ inputs, graph }: Fixture): readonly number[] =>
  [
    ...Object.values(inputs),
    ...graph.nodes.flatMap((node) => (node.op === "constant" ? [node.attrs.value] : [])),
  ].flatMap(({ type, data }) => (type.dtype === "f32" ? Array.from(data) : []));

const shapesOf = ({ inputs, expected }: Fixture) =>
  [...Object.values(inputs), ...Object.values(expected)].map(({ type }) => type.shape);

const CONTRACTIONS: readonly OpName[] = ["matmul", "conv2d", "conv2dInputGrad", "conv2dKernelGrad"];
const PADDED: readonly OpName[] = ["conv2d", "conv2dInputGrad", "conv2dKernelGrad", "pad"];
const COMPARING: readonly OpName[] = ["max", "min", "less", "equal", "reduceMax"];
const ELSEWHERE = "products and sums of these are cases of mul and add; a contraction leaves order and flushing open";

/** Why an op has no case of an edge; undefined where it must have one. */
function reasonAgainst(op: OpName, edge: Edge): string | undefined {
  if (edge === "groups" && !op.startsWith("conv2d")) return "has no groups";
  if (edge === "asymmetric padding" && !PADDED.includes(op)) return "has no padding";
  if (edge === "ties" && !COMPARING.includes(op)) return "compares nothing";
  return REASONS[op]?.[edge];
}

const REASONS: Readonly<Partial<Record<OpName, Partial<Record<Edge, string>>>>> = {
  constant: { "size-1 axes": "holds what it is given, whatever its shape" },
  pow: {
    "-0": "promised for bases >= 0 only",
    denormals: "runtimes flush them before the logarithm",
    "largest finite": "its powers overflow or are 1: the cases overflow and one",
    NaN: "runtimes disagree about 1^NaN and NaN^0; none is promised",
  },
  reduceSum: Object.fromEntries(
    (["+0", "-0", "denormals", "largest finite"] as const).map((edge) => [
      edge,
      "the order of a sum is open, and with it the sign of 0, flushing and overflow on the way; cases of add hold the rest",
    ]),
  ),
  ...Object.fromEntries(
    CONTRACTIONS.map((op) => [
      op,
      {
        "+0": ELSEWHERE,
        "-0": ELSEWHERE,
        denormals: ELSEWHERE,
        "largest finite": ELSEWHERE,
        ...(op === "conv2dInputGrad" || op === "conv2dKernelGrad" ? { infinities: ELSEWHERE } : {}),
      },
    ]),
  ),
};

const fixtures = loadFixtures();

describe.each(OP_NAMES)("fixtures of %s", (op) => {
  const own = fixtures.filter(({ subject }) => subject === op);

  it.each(Object.keys(EDGES) as Edge[])("%s", (edge) => {
    const found = own.filter(EDGES[edge]);
    const reason = reasonAgainst(op, edge);
    if (reason === undefined) expect(found.length, `no case of ${op} has ${edge}`).toBeGreaterThan(0);
    else expect(reason.length).toBeGreaterThan(0);
  });

  it("its gradient has cases, dyadic or random, unless it has none", () => {
    const gradients = own.filter(({ name }) => name.includes("-gradient/"));
    if (op === "constant" || traitsOf(op).zeroGradient === true) return;
    expect(gradients.length).toBeGreaterThan(0);
  });
});

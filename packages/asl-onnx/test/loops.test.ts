import {
  abs,
  add,
  Builder,
  cast,
  div,
  equal,
  exactAsymmetricLossOptimized,
  f32,
  floor,
  type Graph,
  gather,
  grad,
  less,
  matmul,
  max,
  min,
  mul,
  neg,
  type Program,
  pad,
  reduceMax,
  reduceSum,
  reshape,
  type Shape,
  scalar,
  select,
  sigmoid,
  sqrt,
  sub,
  type Tensors,
  type Value,
} from "asl-core";
import { evaluate } from "asl-reference";
import fc from "fast-check";
import * as runtime from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { planLoops, type Stage } from "../src/loops/plan.js";
import { rareNodes } from "../src/loops/rare.js";
import { onnxBackend } from "../src/runtime/backend.js";
import { expectSameBits, noise } from "./contract.js";

const programOf = (graph: Graph, finite: readonly string[] = []): Program => ({ graph, reads: {}, writes: {}, finite });

/** Runs a graph that must be in loops, and expects the bits of the reference. */
async function expectReference(graph: Graph, ...runs: readonly Tensors[]): Promise<void> {
  expect(planLoops(programOf(graph))).toBeDefined();
  await using session = await onnxBackend({ runtime }).compile({}, { step: programOf(graph) });
  const all = [];
  for (const feeds of runs) all.push(await session.run("step", feeds));
  // compared at the end: a run leaves the results of those before alone
  for (const [i, results] of all.entries()) {
    const expected = evaluate(graph, runs[i]!, { precision: "f32" });
    for (const [name, { data }] of Object.entries(expected)) {
      expect(results[name]!.type).toEqual(expected[name]!.type);
      expectSameNumbers(results[name]!.data, data);
    }
  }
}

/** The same bits; one NaN is as good as another. */
function expectSameNumbers(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  const plain = (data: ArrayLike<number>) => Float32Array.from(data, (x) => (Number.isNaN(x) ? 12345 : x));
  expect(actual).toHaveLength(expected.length);
  expectSameBits(plain(actual), plain(expected));
}

const graphOf = (
  inputs: Readonly<Record<string, Shape>>,
  body: (values: Record<string, Value>) => Tensorial,
): Graph => {
  const builder = new Builder();
  const values = Object.entries(inputs).map(([name, shape]) => [name, builder.input(name, { dtype: "f32", shape })]);
  return builder.finish(body(Object.fromEntries(values)));
};
type Tensorial = Readonly<Record<string, Value>>;

/** All ops that a loop has, each as an output of its own. */
const everyOp = (shape: Shape) =>
  graphOf({ a: shape, b: shape, number: [] }, (values) => {
    const { a, b, number } = values as Record<"a" | "b" | "number", Value>;
    const isLess = less(a, b);
    const both = select(equal(a, b), isLess, less(b, 1));
    const whole = cast(a, "i32");
    return {
      sum: add(a, b),
      difference: sub(a, number),
      product: mul(a, b),
      quotient: div(a, b),
      root: sqrt(a),
      floor: floor(a),
      abs: abs(a),
      neg: neg(b),
      max: max(a, b),
      min: min(a, b),
      atLeastZero: max(a, 0),
      atMostZero: min(0, a),
      atLeastHalf: max(0.5, a),
      atMostHalf: min(a, 0.5),
      select: select(isLess, a, b),
      selectZero: select(isLess, 0, b),
      selectOrZero: select(isLess, a, 0),
      truth: cast(both, "f32"),
      ofWhole: cast(whole, "f32"),
      isNotZero: cast(cast(a, "bool"), "f32"),
      isNotZeroWhole: cast(cast(whole, "bool"), "f32"),
      wholeTruth: cast(cast(both, "i32"), "f32"),
    };
  });

const number = fc.oneof(
  fc.float(),
  fc.constantFrom(0, -0, 1, -1, 0.5, 1e-42, 3e9, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);

describe("loops", () => {
  it.each([[[1]], [[3, 7]], [[4, 16]], [[257]]])("compute every op as the reference does, on %j", async (shape) => {
    const graph = everyOp(shape);
    const size = shape.reduce((a, b) => a * b, 1);
    const numbers = fc.array(number, { minLength: size, maxLength: size });
    const feeds = fc
      .tuple(numbers, numbers, number)
      .map(([a, b, c]) => ({ a: f32(shape, a), b: f32(shape, b), number: scalar(c) }));
    await fc.assert(
      fc.asyncProperty(feeds, feeds, (first, second) => expectReference(graph, first, second)),
      { numRuns: 10 },
    );
  });

  // dyadic numbers: every order of a sum gives the same bits
  it.each([
    [2, 3],
    [5, 4],
    [3, 17],
    [7, 64],
    [1, 30],
    [30, 1],
  ])("sum and maximise %d rows of %d, and all", async (rows, columns) => {
    const graph = graphOf({ x: [rows, columns] }, ({ x }) => {
      const y = add(mul(sub(abs(x!), 0.5), 2), x!);
      const sums = reduceSum(y, [1]);
      // both lengths of rows in one program, and what follows from the results
      const scaled = mul(x!, reduceMax(y));
      return {
        sums,
        tops: reduceMax(y, [1]),
        total: reduceSum(y),
        most: reduceMax(sums),
        scaled,
        again: reduceSum(scaled),
      };
    });
    const dyadic = (seed: number) =>
      f32(
        [rows, columns],
        noise([rows, columns], seed, 8).data.map((value) => Math.round(8 * value) / 8),
      );
    const withNaN = dyadic(3);
    withNaN.data[withNaN.data.length - 1] = Number.NaN;
    await expectReference(graph, { x: dyadic(1) }, { x: dyadic(2) }, { x: withNaN });
  });

  it("pad at the end", async () => {
    const graph = graphOf({ x: [10] }, ({ x }) => {
      const y = mul(add(mul(add(mul(x!, 2), 1), 2), 1), 0.5);
      const padded = pad(y, [0], [5], "constant", 3);
      return { padded, sums: reduceSum(reshape(mul(padded, 2), [3, 5]), [1]), negative: neg(abs(padded)) };
    });
    await expectReference(graph, {
      x: f32(
        [10],
        Float32Array.from({ length: 10 }, (_, i) => i),
      ),
    });
  });

  it.each([1, 2, 3, 4, 6])("look up %d tables at the same indices", async (count) => {
    const random = (i: number) => ((i * 7919) % 101) / 8;
    const tableOf = (t: number, length = 13) =>
      f32(
        [length],
        Float32Array.from({ length }, (_, i) => random(i + 100 * t)),
      );
    const graph = graphOf({ x: [3, 5] }, ({ x }) => {
      const { builder } = x!;
      const index = cast(min(max(floor(abs(x!)), 0), 12), "i32");
      const looked = Array.from({ length: count }, (_, t) => gather(builder.constant(tableOf(t)), index));
      const short = gather(builder.constant(tableOf(9, 4)), cast(min(abs(x!), 3), "i32"));
      const each = Object.fromEntries(looked.map((value, t) => [`y${t}`, value]));
      return {
        ...each,
        short,
        sum: mul(
          looked.reduce((a, b) => add(a, b)),
          add(x!, short),
        ),
      };
    });
    await expectReference(graph, { x: noise([3, 5], 5, 9) }, { x: noise([3, 5], 6, 40) });
  });

  it.each([
    ["any numbers", (x: Value) => x],
    ["whole numbers", floor],
  ])("refuse an index outside the table, and only that: %s", async (_, rounded) => {
    const graph = graphOf({ x: [5] }, ({ x }) => {
      const table = x!.builder.constant(f32([3], [10, 20, 30]));
      const y = gather(table, cast(rounded(add(mul(sub(x!, 1), 2), 2)), "i32"));
      return { y: add(mul(add(mul(y, 2), 1), 2), 1) };
    });
    await using session = await onnxBackend({ runtime }).compile({}, { step: programOf(graph) });
    for (const outside of [1.5, -1, -3e38, 2 ** 22, 2 ** 31, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      await expect(session.run("step", { x: f32([5], [0, 1, 0, 0.5, outside]) })).rejects.toThrow(/outside its table/);
    }
    await expectReference(graph, { x: f32([5], [0, 1, 0.5, Number.NaN, 1]) });
  });

  it("compute what a select rarely takes only where it is taken, with the same bits", async () => {
    const long = (x: Value, count: number): Value => (count === 0 ? x : long(add(mul(x, 0.75), count), count - 1));
    const shape = [3, 50];
    const graph = graphOf({ x: shape, targets: shape, number: [] }, (values) => {
      const { x, targets, number } = values as Record<"x" | "targets" | "number", Value>;
      const isPositive = less(0.5, targets);
      const shared = mul(x, number);
      const within = select(less(x, 0), long(sub(shared, 1), 9), x);
      const rare = long(add(within, shared), 9);
      const chosen = select(isPositive, rare, shared);
      const ofAll = select(less(number, 0), long(mul(chosen, x), 9), chosen);
      return { chosen, ofAll, total: reduceMax(select(isPositive, long(x, 10), -1)) };
    });
    const plan = planLoops(programOf(graph))!;
    const rareOf = (stage: Stage) => [...rareNodes(plan, stage).values()].map(({ length }) => length);
    expect(plan.stages.flatMap(rareOf)).toEqual([20, 40]);
    const feeds = (density: number, number: number) => ({
      x: noise(shape, 1, 4),
      targets: f32(
        shape,
        noise(shape, 2, 0.5).data.map((value) => Number(value + 0.5 < density)),
      ),
      number: scalar(number),
    });
    await expectReference(graph, feeds(0, 2), feeds(0.02, -1), feeds(0.3, 0.5), feeds(1, Number.NaN), feeds(2, -3));
  });

  it("check what must be finite", async () => {
    const graph = graphOf({ x: [4] }, ({ x }) => ({ y: add(mul(add(mul(add(mul(x!, 3), 1), 3), 1), 3), x!) }));
    await using session = await onnxBackend({ runtime }).compile({}, { step: programOf(graph, ["y"]) });
    const bad = { x: f32([4], [1, 2, Number.NaN, 4]) };
    await expect(session.run("step", bad)).rejects.toThrow(/every value must be finite/);
  });

  it("make two passes over the elements of an exact loss: losses and gradient, then their sum", () => {
    const graph = graphOf({ x: [64, 9605], y: [64, 9605] }, ({ x, y }) => {
      const loss = exactAsymmetricLossOptimized(x!, y!, { targets: "hard" });
      return { loss, gradient: grad(loss, [x!])[0]! };
    });
    const plan = planLoops(programOf(graph))!;
    const passes = plan.stages.filter(({ size }) => size === 64 * 9605);
    expect(passes.map(({ columns }) => columns)).toEqual([64 * 9605, 3842]);
    expect(plan.stages.slice(passes.length).every(({ size }) => size <= 64 * 9605)).toBe(true);
  });

  it("are not for contractions, other functions, state, or what a few passes do", () => {
    const long = (x: Value) => add(mul(add(mul(add(mul(add(mul(x, 3), 1), 3), 1), 3), 1), 3), 1);
    const isInLoops = (body: (x: Value) => Value) =>
      planLoops(programOf(graphOf({ x: [4, 4] }, ({ x }) => ({ y: body(x!) })))) !== undefined;
    expect(isInLoops(long)).toBe(true);
    expect(isInLoops((x) => mul(x, 3))).toBe(false);
    expect(isInLoops((x) => long(matmul(x, x)))).toBe(false);
    expect(isInLoops((x) => long(sigmoid(x)))).toBe(false);
    expect(isInLoops((x) => long(reduceSum(x, [0])))).toBe(false);
    const graph = graphOf({ x: [4, 4] }, ({ x }) => ({ y: long(x!) }));
    expect(planLoops({ ...programOf(graph), reads: { x: "x" } })).toBeUndefined();
  });
});

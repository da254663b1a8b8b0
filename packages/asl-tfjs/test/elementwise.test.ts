import { build, f32, i32, max, min, type OpName, type TensorData } from "asl-core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectContract, graphOf, noise, runOn } from "../../../test/contract.js";
import { BACKENDS } from "./backends.js";

const SPECIAL = [0, -0, 1, -1, 0.5, 1e-30, -1e-30, 1e30, 3.4e38, Infinity, -Infinity, 2 ** -126, 2 ** -140];
const vector = (values: readonly number[]): TensorData => f32([values.length], values);

const isSubnormal = (x: number) => x !== 0 && Math.abs(x) < 2 ** -126;
const accepted = (values: readonly number[], flushesSubnormals: true | undefined) =>
  values.filter((x) => !(flushesSubnormals && isSubnormal(x)));

/** A grid of x with dense coverage where functions turn, and special values. */
function grid(low: number, high: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));
}

describe.each(BACKENDS)("unary ops keep their contract on $name", ({ backend, flushesSubnormals }) => {
  const domains: Record<string, number[]> = {
    neg: [...SPECIAL, ...grid(-5, 5, 1001)],
    abs: [...SPECIAL, ...grid(-5, 5, 1001)],
    floor: [...SPECIAL, ...grid(-5, 5, 1001)],
    exp: [0, -0, Infinity, -Infinity, ...grid(-87, 88.7, 40001), ...grid(-1, 1, 5001)],
    log: [1, Infinity, ...grid(1e-6, 3, 20001), ...grid(1, 1e6, 5001), 2 ** -126, 1e-30, 1e30, 3.4e38],
    sqrt: [0, -0, Infinity, ...grid(0, 100, 10001), 2 ** -140, 1e-30, 1e30, 3.4e38],
    sigmoid: [0, -0, Infinity, -Infinity, ...grid(-87, 100, 40001), ...grid(-1, 1, 5001)],
  };
  for (const [op, values] of Object.entries(domains)) {
    it(op, async () => {
      await expectContract(backend, op as OpName, [vector(accepted(values, flushesSubnormals))], {});
    });
  }

  it("sigmoid at -18 is right to 6 ulp", async () => {
    const y = await expectContract(backend, "sigmoid", [vector([-18, -30, -80, -87, 18])], {});
    expect(y.data[0]).toBeCloseTo(1.522997974471263e-8, 14);
  });
});

describe.each(BACKENDS)("binary ops keep their contract on $name", ({ backend, flushesSubnormals }) => {
  const special = [...accepted(SPECIAL, flushesSubnormals), Number.NaN];
  const pairs = special.flatMap((a) => special.map((b): [number, number] => [a, b]));
  const left = f32([pairs.length + 500], [...pairs.map(([a]) => a), ...noise([500], 1, 8).data]);
  const right = f32([pairs.length + 500], [...pairs.map(([, b]) => b), ...noise([500], 2, 8).data]);
  for (const op of ["add", "sub", "mul", "div", "less", "equal"] as const) {
    it(op, async () => {
      await expectContract(backend, op, [left, right], {});
    });
  }
  for (const op of ["max", "min"] as const) {
    it(`${op}, but for the sign of a zero`, async () => {
      // IEEE 754 leaves max(-0, 0) open; adding 0 makes both zeros +0.
      const noNegativeZero = (x: TensorData) =>
        f32(
          x.type.shape,
          Float32Array.from(x.data, (value) => value + 0),
        );
      await expectContract(backend, op, [noNegativeZero(left), noNegativeZero(right)], {});
    });
  }
  it("max and min give NaN if either is NaN, constants too", async () => {
    const x = [1, Number.NaN, -1, Number.POSITIVE_INFINITY];
    const graph = build((b) => {
      const type = { dtype: "f32", shape: [4] } as const;
      const a = b.input("a", type);
      const c = b.constant(f32([4], [Number.NaN, 0, 0, 0]));
      return { above: max(a, 0), below: min(0, a), constant: max(c, a), argument: max(a, b.input("nan", type)) };
    });
    const nan = f32([4], [0, 0, 0, Number.NaN]);
    const y = await runOn(backend, graph, { a: vector(x), nan });
    expect([...y.above!.data]).toEqual([1, NaN, 0, Infinity]);
    expect([...y.below!.data]).toEqual([0, NaN, -1, 0]);
    expect([...y.constant!.data]).toEqual([NaN, NaN, 0, Infinity]);
    expect([...y.argument!.data]).toEqual([1, NaN, 0, NaN]);
  });
  it(`subnormal numbers ${flushesSubnormals ? "count as 0 (deviation: so TensorFlow sets its threads)" : "are kept"}`, async () => {
    const graph = graphOf("mul", [vector([1]).type, vector([1]).type], {});
    const { y } = await runOn(backend, graph, { in0: vector([2 ** -140]), in1: vector([2]) });
    expect(y!.data[0]).toBe(flushesSubnormals ? 0 : 2 ** -139);
  });
  it("pow for a >= 0, with pow(0, 0) = 1", async () => {
    const bases = grid(0, 1, 101);
    const exponents = [0, 0.5, 1, 2, 3, 4, 1.7, -1];
    const all = bases.flatMap((a) => exponents.map((b) => [a, b] as const)).filter(([a, b]) => a > 0 || b >= 0);
    const y = await expectContract(backend, "pow", [vector(all.map(([a]) => a)), vector(all.map(([, b]) => b))], {});
    expect(y.data[0]).toBe(1);
  });
});

describe.each(BACKENDS)("select and cast on $name", ({ backend }) => {
  const condition: TensorData = { type: { dtype: "bool", shape: [2, 2] }, data: Uint8Array.of(1, 0, 0, 1) };
  it("select takes f32, i32 and bool", async () => {
    await expectContract(backend, "select", [condition, f32([2, 2], [1, -0, 3, NaN]), f32([2, 2], [5, 6, -0, 8])], {});
    await expectContract(backend, "select", [condition, i32([2, 2], [1, 2, 3, 4]), i32([2, 2], [5, 6, 7, 8])], {});
    await expectContract(backend, "select", [condition, condition, condition], {});
  });
  it("cast truncates toward zero, and to bool is x != 0", async () => {
    const x = f32([2, 3], [-1.75, -0, 0, 0.5, 1.75, -3]);
    for (const to of ["f32", "i32", "bool"] as const) {
      await expectContract(backend, "cast", [x], { to });
      await expectContract(backend, "cast", [i32([3], [-2, 0, 7])], { to });
      await expectContract(backend, "cast", [condition], { to });
    }
  });
  it("cast beyond the range saturates, NaN becomes 0 or true, large integers are rounded", async () => {
    const x = vector([3e9, -3e9, 2 ** 31, -(2 ** 31), 2147483520, NaN, Infinity, -Infinity]);
    await expectContract(backend, "cast", [x], { to: "i32" });
    await expectContract(backend, "cast", [x], { to: "bool" });
    await expectContract(backend, "cast", [i32([3], [16777217, 2147483647, -2147483648])], { to: "f32" });
  });
  it("stopGradient and constant give the tensor itself", async () => {
    await expectContract(backend, "stopGradient", [f32([3], [1, -0, Infinity])], {});
    for (const value of [f32([], [0.1]), f32([2, 2], [1, 2, 3, 4]), i32([2], [-1, 5]), condition]) {
      await expectContract(backend, "constant", [], { value });
    }
  });
});

describe.each(BACKENDS)("reductions on $name", ({ backend }) => {
  const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });
  const cases = shapes.chain((shape) =>
    fc.record({ shape: fc.constant(shape), axes: fc.subarray(shape.map((_, axis) => axis)) }),
  );
  it("reduceSum and reduceMax over any axes", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ shape, axes }) => {
        await expectContract(backend, "reduceSum", [noise(shape, 3)], { axes });
        await expectContract(backend, "reduceMax", [noise(shape, 4)], { axes });
      }),
      { numRuns: 40 },
    );
  });
  it("reduceMax of NaN and of infinities", async () => {
    const rows = f32([4, 2], [1, NaN, NaN, 1, -Infinity, -Infinity, -Infinity, 3]);
    await expectContract(backend, "reduceMax", [rows], { axes: [1] });
  });
  it("an empty axis sums to 0", async () => {
    await expectContract(backend, "reduceSum", [f32([2, 0, 3], [])], { axes: [1] });
  });
  it("refuses nothing that the graph allows: a scalar with no axes", async () => {
    const graph = graphOf("reduceSum", [{ dtype: "f32", shape: [] }], { axes: [] });
    expect((await runOn(backend, graph, { in0: f32([], [3]) })).y!.data[0]).toBe(3);
  });
});

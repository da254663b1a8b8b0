import {
  Builder,
  createRandom,
  exactExp,
  exactLog,
  exactLogSigmoid,
  exactPower,
  exactReciprocal,
  exactSigmoidPair,
  f32,
  grad,
  type Random,
  reduceSum,
  type Value,
} from "asl-core";
import { evaluate } from "asl-reference";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ulpOf } from "./bits.js";

/** Largest error of each function in units in the last place (design, section 3). */
const CONTRACT = 0.56;
const SAMPLES = 1 << 17;
const SMALLEST = 2 ** -100;

/** f(x) in float32 arithmetic. */
function apply(f: (x: Value) => Value, x: ArrayLike<number>): Float32Array {
  const builder = new Builder();
  const y = f(builder.input("x", { dtype: "f32", shape: [x.length] }));
  const feeds = { x: f32([x.length], Float32Array.from(x)) };
  return evaluate(builder.finish({ y }), feeds, { precision: "f32" }).y!.data as Float32Array;
}

const gradientOf = (f: (x: Value) => Value) => (x: Value) => grad(reduceSum(f(x)), [x])[0]!;

interface Sample {
  readonly range: string;
  readonly draw: (random: Random) => number;
}

const between = (low: number, high: number): Sample => ({
  range: `[${low}, ${high}]`,
  draw: (random) => random.between(low, high),
});
const powersOfTwo = (low: number, high: number): Sample => ({
  range: `2^[${low}, ${high}]`,
  draw: (random) => 2 ** random.between(low, high),
});
const bothSigns = ({ range, draw }: Sample): Sample => ({
  range: `+-${range}`,
  draw: (random) => (random.chance(0.5) ? draw(random) : -draw(random)),
});

function expectWithin(ulps: number, f: (x: Value) => Value, truth: (x: number) => number, { range, draw }: Sample) {
  const random = createRandom(7, range);
  const x = Float32Array.from({ length: SAMPLES }, () => draw(random));
  let worst = { ulps: -1, x: 0, y: 0, truth: 0 };
  apply(f, x).forEach((y, i) => {
    const expected = truth(x[i]!);
    const error = Math.abs(expected) < SMALLEST ? Math.abs(y) / SMALLEST : Math.abs(y - expected) / ulpOf(expected);
    if (!(error <= worst.ulps)) worst = { ulps: error, x: x[i]!, y, truth: expected };
  });
  expect(worst.ulps, JSON.stringify(worst)).toBeLessThanOrEqual(ulps);
}

const log1pExp = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** [name, function, truth in float64, samples]. Below 2^-100 the result is 0 (or the function of 2^-100 rounds to it). */
const FUNCTIONS: readonly [string, (x: Value) => Value, (x: number) => number, readonly Sample[]][] = [
  [
    "sigmoid",
    (x) => exactSigmoidPair(x).p,
    (x) => 1 / (1 + Math.exp(-x)),
    [between(-1, 1), between(-12, 12), between(-100, 100), bothSigns(powersOfTwo(-120, 6))],
  ],
  [
    "1 - sigmoid",
    (x) => exactSigmoidPair(x).oneMinusP,
    (x) => 1 / (1 + Math.exp(x)),
    [between(-1, 1), between(-12, 12), between(-100, 100), bothSigns(powersOfTwo(-120, 6))],
  ],
  [
    "log sigmoid",
    exactLogSigmoid,
    (x) => -log1pExp(-x),
    [between(-1, 1), between(-12, 12), between(-100, 100), bothSigns(powersOfTwo(-120, 120))],
  ],
  ["exp", exactExp, Math.exp, [between(-1, 1), between(-100, 88.7), bothSigns(powersOfTwo(-120, 6))]],
  ["log", exactLog, Math.log, [between(0, 1), between(0.9, 1.1), powersOfTwo(-100, 127), powersOfTwo(-2, 2)]],
  ["reciprocal", exactReciprocal, (x) => 1 / x, [between(0.5, 2), powersOfTwo(-100, 100)]],
  ...[0.1, 0.5, 1.5, 2.5, 3.3, 7.7].map(
    (gamma) =>
      [
        `power ${gamma}`,
        (x: Value) => exactPower(x, gamma),
        (x: number) => x ** Math.fround(gamma),
        [between(0, 1), between(0.99, 1.01), powersOfTwo(-100, 0), powersOfTwo(0, 16)],
      ] as const satisfies [string, (x: Value) => Value, (x: number) => number, readonly Sample[]],
  ),
];

describe.each(FUNCTIONS)("%s", (_name, f, truth, samples) => {
  it.each(samples)(`within ${CONTRACT} ulp of float64 on $range`, (sample) => {
    expectWithin(CONTRACT, f, truth, sample);
  });
});

/** A gradient rounds a few times more: two or three functions within the contract and two products. */
const GRADIENT = 3;

describe("gradients", () => {
  it.each([
    [
      "sigmoid",
      (x: Value) => exactSigmoidPair(x).p,
      (x: number) => 1 / (2 + Math.exp(x) + Math.exp(-x)),
      between(-40, 40),
    ],
    [
      "1 - sigmoid",
      (x: Value) => exactSigmoidPair(x).oneMinusP,
      (x: number) => -1 / (2 + Math.exp(x) + Math.exp(-x)),
      between(-40, 40),
    ],
    ["log sigmoid", exactLogSigmoid, (x: number) => 1 / (1 + Math.exp(x)), between(-40, 40)],
    ["exp", exactExp, Math.exp, between(-60, 80)],
    ["log", exactLog, (x: number) => 1 / x, powersOfTwo(-99, 99)],
    ["reciprocal", exactReciprocal, (x: number) => -1 / x ** 2, powersOfTwo(-49, 49)],
    ["power 2.5", (x: Value) => exactPower(x, 2.5), (x: number) => 2.5 * x ** 1.5, powersOfTwo(-30, 0)],
    ["power 0.5", (x: Value) => exactPower(x, 0.5), (x: number) => 0.5 * x ** -0.5, powersOfTwo(-99, 0)],
    ["power 3", (x: Value) => exactPower(x, 3), (x: number) => 3 * x ** 2, powersOfTwo(-30, 0)],
  ] as const)("%s", (_name, f, derivative, sample) => {
    expectWithin(GRADIENT, gradientOf(f), derivative, sample);
  });

  it("of a power by its exponent: a^g ln a", () => {
    const builder = new Builder();
    const gamma = builder.input("gamma", { dtype: "f32", shape: [3] });
    const base = builder.constant(f32([3], [0.25, 0, 1]));
    const [gradient] = grad(reduceSum(exactPower(base, gamma)), [gamma]);
    const feeds = { gamma: f32([3], [0.5, 0.5, 2]) };
    const [first, ...rest] = evaluate(builder.finish({ gradient: gradient! }), feeds, { precision: "f32" }).gradient!
      .data;
    expect(first).toBeCloseTo(0.5 * Math.log(0.25), 6);
    expect(rest).toEqual([0, 0]);
  });
});

describe("edges", () => {
  const INFINITY = Number.POSITIVE_INFINITY;

  it("sigmoid: 1/2 at 0, whole at the ends, +0 below 2^-100", () => {
    const { p, oneMinusP } = { p: [-0, 0, 70, -70, INFINITY, -INFINITY], oneMinusP: [0, 70] };
    expect([...apply((x) => exactSigmoidPair(x).p, p)]).toEqual([0.5, 0.5, 1, 0, 1, 0]);
    expect([...apply((x) => exactSigmoidPair(x).oneMinusP, oneMinusP)]).toEqual([0.5, 0]);
  });

  it("exp: 1 at 0, +0 below 2^-100, infinite above the largest float32", () => {
    expect([...apply(exactExp, [0, -0, -69.4, -INFINITY, 88.73, INFINITY])]).toEqual([1, 1, 0, 0, INFINITY, INFINITY]);
  });

  it("log: +0 at 1, what is below 2^-100 counts as 2^-100", () => {
    const floor = Math.fround(-100 * Math.LN2);
    expect([...apply(exactLog, [1, SMALLEST, 2 ** -126, 0, -0, -1])]).toEqual([0, floor, floor, floor, floor, floor]);
  });

  it("power: 0^0 = 1, 0^g = 0, 1^g = 1, overflow is infinite", () => {
    for (const gamma of [0.5, 2, 2.5]) {
      expect([...apply((x) => exactPower(x, gamma), [0, -0, 1])]).toEqual([0, 0, 1]);
    }
    expect([...apply((x) => exactPower(x, 0), [0, 0.3])]).toEqual([1, 1]);
    expect([...apply((x) => exactPower(x, 2.5), [2 ** 60])]).toEqual([INFINITY]);
  });

  it.each([-1, Number.NaN, INFINITY])("power refuses gamma %d", (gamma) => {
    const builder = new Builder();
    expect(() => exactPower(builder.input("x", { dtype: "f32", shape: [1] }), gamma)).toThrow(
      /exactPower: gamma must be a finite number >= 0/,
    );
  });

  it("NaN stays NaN", () => {
    for (const f of [(x: Value) => exactSigmoidPair(x).p, exactLogSigmoid, exactExp, exactLog, exactReciprocal]) {
      expect([...apply(f, [Number.NaN])]).toEqual([Number.NaN]);
    }
    expect([...apply((x) => exactPower(x, 0.5), [Number.NaN])]).toEqual([Number.NaN]);
  });
});

describe("relations that hold to the last bit", () => {
  const floats = (constraints: fc.FloatConstraints) =>
    fc.array(fc.float({ ...constraints, noNaN: true }), { minLength: 64, maxLength: 64 });
  const logits = floats({ min: -80, max: 80 });
  const fractions = floats({ min: 2 ** -99, max: 1 });

  it("1 - sigmoid(x) = sigmoid(-x), and the pair sums to 1 within an ulp of 1", () => {
    fc.assert(
      fc.property(logits, (x) => {
        const p = apply((value) => exactSigmoidPair(value).p, x);
        const oneMinusP = apply((value) => exactSigmoidPair(value).oneMinusP, x);
        const mirrored = x.map((value) => -value);
        expect(apply((value) => exactSigmoidPair(value).p, mirrored)).toEqual(oneMinusP);
        p.forEach((value, i) => {
          expect(Math.abs(value + oneMinusP[i]! - 1)).toBeLessThanOrEqual(2 ** -24);
        });
      }),
    );
  });

  it("powers of two are exact: log 2^k = k ln 2 rounded, 1 / 2^k = 2^-k", () => {
    const exponents = Array.from({ length: 199 }, (_, i) => i - 99);
    const powers = exponents.map((k) => 2 ** k);
    expect([...apply(exactReciprocal, powers)]).toEqual([...powers].reverse());
    expect([...apply(exactLog, powers)]).toEqual(exponents.map((k) => Math.fround(k * Math.LN2) + 0));
  });

  it("a whole power is a chain of products", () => {
    fc.assert(
      fc.property(fractions, (x) => {
        const square = x.map((value) => Math.fround(value * value)).map((y) => (y < SMALLEST ? 0 : y));
        expect([...apply((value) => exactPower(value, 2), x)]).toEqual(square);
        expect([...apply((value) => exactPower(value, 1), x)]).toEqual(x);
      }),
    );
  });

  it("an exponent gives the same bits as a number and as a value", () => {
    fc.assert(
      fc.property(fractions, fc.float({ min: Math.fround(0.01), max: 8, noNaN: true }), (x, gamma) => {
        fc.pre(!Number.isInteger(gamma));
        const asValue = apply((value) => exactPower(value, value.builder.constant(gamma)), x);
        expect(apply((value) => exactPower(value, gamma), x)).toEqual(asValue);
      }),
    );
  });
});

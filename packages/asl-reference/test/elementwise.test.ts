import { f32, i32, type OpName, type TensorData } from "asl-core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { apply, bool, f64, values } from "./apply.js";

type Unary = Extract<OpName, "neg" | "abs" | "floor" | "exp" | "log" | "sqrt" | "sigmoid">;
type Binary = Extract<OpName, "add" | "sub" | "mul" | "div" | "pow" | "max" | "min">;
type Comparison = Extract<OpName, "less" | "equal">;

const NAN = Number.NaN;
const INF = Number.POSITIVE_INFINITY;

/** [x, expected] */
const UNARY: Readonly<Record<Unary, readonly (readonly [number, number])[]>> = {
  neg: [
    [2, -2],
    [0, -0],
    [-0, 0],
    [INF, -INF],
    [NAN, NAN],
  ],
  abs: [
    [-2, 2],
    [3, 3],
    [-0, 0],
    [-INF, INF],
    [NAN, NAN],
  ],
  floor: [
    [1.5, 1],
    [-1.5, -2],
    [-0, -0],
    [7, 7],
    [INF, INF],
    [NAN, NAN],
  ],
  exp: [
    [0, 1],
    [1, Math.E],
    [-INF, 0],
    [1000, INF],
    [NAN, NAN],
  ],
  log: [
    [1, 0],
    [0, -INF],
    [-1, NAN],
    [INF, INF],
    [NAN, NAN],
  ],
  sqrt: [
    [4, 2],
    [-0, -0],
    [-1, NAN],
    [INF, INF],
    [NAN, NAN],
  ],
  sigmoid: [
    [0, 0.5],
    [INF, 1],
    [-INF, 0],
    [Math.log(3), 0.75],
    [NAN, NAN],
  ],
};

/** [a, b, expected] */
const BINARY: Readonly<Record<Binary, readonly (readonly [number, number, number])[]>> = {
  add: [
    [1, 2, 3],
    [-0, -0, -0],
    [INF, -INF, NAN],
  ],
  sub: [
    [1, 2, -1],
    [0, 0, 0],
    [-0, 0, -0],
    [INF, INF, NAN],
  ],
  mul: [
    [3, -2, -6],
    [-0, 1, -0],
    [0, INF, NAN],
  ],
  div: [
    [1, 4, 0.25],
    [1, 0, INF],
    [1, -0, -INF],
    [0, 0, NAN],
  ],
  pow: [
    [2, 3, 8],
    [0, 0, 1],
    [0, 4, 0],
    [0, -1, INF],
    [4, 0.5, 2],
    [NAN, 0, 1],
    [-2, 2, 4],
  ],
  max: [
    [1, 2, 2],
    [-0, 0, 0],
    [0, -0, 0],
    [NAN, 1, NAN],
    [1, NAN, NAN],
    [-INF, 1, 1],
  ],
  min: [
    [1, 2, 1],
    [-0, 0, -0],
    [0, -0, -0],
    [NAN, 1, NAN],
    [1, NAN, NAN],
    [-INF, 1, -INF],
  ],
};

const COMPARISON: Readonly<Record<Comparison, readonly (readonly [number, number, number])[]>> = {
  less: [
    [1, 2, 1],
    [2, 1, 0],
    [1, 1, 0],
    [-0, 0, 0],
    [NAN, 1, 0],
    [1, NAN, 0],
    [-INF, INF, 1],
  ],
  equal: [
    [1, 1, 1],
    [1, 2, 0],
    [-0, 0, 1],
    [NAN, NAN, 0],
    [INF, INF, 1],
  ],
};

/** Any float32, special values included. */
const float32 = fc.float();

describe.each(["f64", "f32"] as const)("elementwise in %s", (precision) => {
  it.each(Object.entries(UNARY))("%s of hand values", (op, cases) => {
    const x = f64(
      [cases.length],
      cases.map(([argument]) => argument),
    );
    // The argument is rounded to the precision first, then the float64 result is.
    const rounded = (value: number) => (precision === "f32" ? Math.fround(value) : value);
    const got = values(op as Unary, [x], {}, precision);
    cases.forEach(([argument, expected], i) => {
      if (Number.isInteger(argument) || !Number.isFinite(argument)) expect(got[i]).toBe(rounded(expected));
      else expect(got[i]).toBeCloseTo(expected, 6);
    });
  });

  it.each(Object.entries(BINARY))("%s of hand values", (op, cases) => {
    const a = f64(
      [cases.length],
      cases.map(([left]) => left),
    );
    const b = f64(
      [cases.length],
      cases.map(([, right]) => right),
    );
    expect(values(op as Binary, [a, b], {}, precision)).toEqual(cases.map(([, , expected]) => expected));
  });

  it.each(Object.entries(COMPARISON))("%s of hand values", (op, cases) => {
    const a = f64(
      [cases.length],
      cases.map(([left]) => left),
    );
    const b = f64(
      [cases.length],
      cases.map(([, right]) => right),
    );
    const result = apply(op as Comparison, [a, b], {}, precision);
    expect(result.type.dtype).toBe("bool");
    expect(Array.from(result.data)).toEqual(cases.map(([, , expected]) => expected));
  });

  it("keeps an empty axis empty", () => {
    expect(apply("exp", [f64([2, 0], [])], {}, precision).data).toHaveLength(0);
  });
});

describe("f32 precision", () => {
  const arithmetic: Record<Exclude<Binary, "max" | "min">, (a: number, b: number) => number> = {
    add: (a, b) => a + b,
    sub: (a, b) => a - b,
    mul: (a, b) => a * b,
    div: (a, b) => a / b,
    pow: (a, b) => a ** b,
  };

  it.each(Object.entries(arithmetic))("%s is Math.fround of the float64 result", (op, f) => {
    fc.assert(
      fc.property(float32, float32, (a, b) => {
        const [result] = values(op as Binary, [f32([], [a]), f32([], [b])], {}, "f32");
        expect(result).toBe(Math.fround(f(a, b)));
      }),
    );
  });

  it.each([
    ["exp", Math.exp],
    ["log", Math.log],
    ["sqrt", Math.sqrt],
  ] as const)("%s is Math.fround of the float64 result", (op, f) => {
    fc.assert(
      fc.property(float32, (x) => {
        expect(values(op, [f32([], [x])], {}, "f32")[0]).toBe(Math.fround(f(x)));
      }),
    );
  });

  it("rounds float64 feeds on entry and holds a Float32Array", () => {
    const result = apply("neg", [f64([], [0.1])], {}, "f32");
    expect(result.data).toEqual(Float32Array.of(-0.1));
  });

  it("float64 precision holds a Float64Array, also of float32 feeds", () => {
    expect(apply("neg", [f32([], [0.1])], {}, "f64").data).toEqual(Float64Array.of(-Math.fround(0.1)));
  });
});

describe("sigmoid", () => {
  it("adds up to 1 with its mirror image", () => {
    fc.assert(
      fc.property(fc.double({ min: -30, max: 30, noNaN: true }), (x) => {
        const [left, right] = values("sigmoid", [f64([2], [x, -x])], {});
        expect(left! + right!).toBeCloseTo(1, 15);
      }),
    );
  });

  it("keeps its relative accuracy far below zero, where it equals e^x", () => {
    for (const x of [-40, -100, -700, -720]) {
      expect(values("sigmoid", [f64([], [x])], {})[0]).toBe(Math.exp(x));
    }
  });
});

describe("select", () => {
  it("takes a where the condition holds; the other element has no influence", () => {
    const condition = bool([3], [1, 0, 1]);
    expect(values("select", [condition, f64([3], [1, NAN, 3]), f64([3], [NAN, -2, NAN])], {})).toEqual([1, -2, 3]);
  });

  it("works on i32 and bool", () => {
    const condition = bool([2], [1, 0]);
    const result = apply("select", [condition, i32([2], [1, 2]), i32([2], [3, 4])], {});
    expect(result.data).toEqual(Int32Array.of(1, 4));
    expect(apply("select", [condition, bool([2], [1, 1]), bool([2], [0, 0])], {}).data).toEqual(Uint8Array.of(1, 0));
  });
});

describe("cast", () => {
  const cases: readonly (readonly [string, TensorData, "f32" | "i32" | "bool", TensorData["data"]])[] = [
    ["f32 to i32 truncates toward zero", f64([4], [1.9, -1.9, -0.5, 7]), "i32", Int32Array.of(1, -1, 0, 7)],
    [
      "f32 to i32 saturates; NaN gives 0",
      f64([4], [1e10, -1e10, INF, NAN]),
      "i32",
      Int32Array.of(2147483647, -2147483648, 2147483647, 0),
    ],
    ["f32 to bool is x != 0", f64([5], [0, -0, 0.5, -1, NAN]), "bool", Uint8Array.of(0, 0, 1, 1, 1)],
    ["i32 to f32", i32([2], [-3, 16777217]), "f32", Float64Array.of(-3, 16777217)],
    ["i32 to bool", i32([2], [0, 256]), "bool", Uint8Array.of(0, 1)],
    ["bool to f32", bool([2], [0, 1]), "f32", Float64Array.of(0, 1)],
    ["bool to i32", bool([2], [0, 1]), "i32", Int32Array.of(0, 1)],
    ["f32 to f32 is the identity", f64([1], [0.1]), "f32", Float64Array.of(0.1)],
  ];
  it.each(cases)("%s", (_title, x, to, expected) => {
    expect(apply("cast", [x], { to }).data).toEqual(expected);
  });

  it("i32 to f32 rounds in f32 precision", () => {
    expect(apply("cast", [i32([], [16777217])], { to: "f32" }, "f32").data).toEqual(Float32Array.of(16777216));
  });
});

it("stopGradient is the identity", () => {
  expect(values("stopGradient", [f64([2], [-0, 2])], {})).toEqual([-0, 2]);
});

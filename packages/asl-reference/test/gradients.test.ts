import {
  abs,
  add,
  build,
  cast,
  div,
  exp,
  floor,
  gather,
  grad,
  i32,
  log,
  max,
  min,
  mul,
  OP_NAMES,
  pow,
  reduceMax,
  reduceSum,
  select,
  sqrt,
  stopGradient,
  type TensorData,
  type Value,
} from "asl-core";
import { describe, expect, it } from "vitest";
import { evaluate } from "../src/evaluate.js";
import { bool, f64 } from "./apply.js";
import { mismatches, slopeOf, type TensorFunction } from "./finite-differences.js";
import { GRADIENT_CASES } from "./gradient-cases.js";

describe("the comparison with difference quotients", () => {
  const x = f64([3], [0.5, -1, 2]);
  const exponentialWith = (slope: (y: Value) => Value): TensorFunction => {
    return (a) => {
      const y = exp(a!);
      return y.builder.differentiateAs(y, [a!], (g) => [mul(g, slope(y))]);
    };
  };

  it("accepts the right gradient", () => {
    expect(
      mismatches(
        exponentialWith((y) => y),
        [x],
      ),
    ).toEqual([]);
  });

  it.each([
    ["a wrong sign", (y: Value) => mul(y, -1)],
    ["a relative error of 3e-6", (y: Value) => mul(y, 1 + 3e-6)],
    ["NaN", (y: Value) => mul(y, Number.NaN)],
  ])("finds %s in every element", (_what, slope) => {
    expect(mismatches(exponentialWith(slope), [x])).toHaveLength(3);
  });
});

describe.each(OP_NAMES)("the gradient of %s", (op) => {
  const cases = GRADIENT_CASES[op];

  it("has cases, and they use the op", () => {
    expect(cases?.length).toBeGreaterThan(0);
    for (const { f, inputs } of cases) {
      const graph = build((b) => ({ y: f(...inputs.map((input, i) => b.input(`${i}`, input.type))) }));
      expect(graph.nodes.map((node) => node.op)).toContain(op);
    }
  });

  it.each(cases)("is the difference quotient: $title", ({ f, inputs }) => {
    expect(mismatches(f, inputs)).toEqual([]);
  });

  it.each(cases)("has a gradient of its own that is the difference quotient: $title", ({ f, inputs }) => {
    expect(mismatches(slopeOf(f, inputs), inputs)).toEqual([]);
  });
});

/** d sum(f) / d input for each f32 input. */
function sumGradients(f: TensorFunction, inputs: readonly TensorData[]): number[][] {
  const names = inputs.map((_, i) => `${i}`);
  const graph = build((b) => {
    const values = inputs.map((input, i) => b.input(names[i]!, input.type));
    const real = values.filter((value) => value.type.dtype === "f32");
    const gradients = grad(reduceSum(f(...values)), real);
    return Object.fromEntries(gradients.map((gradient, i) => [`${i}`, gradient]));
  });
  const feeds = Object.fromEntries(inputs.map((input, i) => [names[i]!, input]));
  const outputs = evaluate(graph, feeds, { precision: "f64" });
  return names.flatMap((name) => (outputs[name] === undefined ? [] : [Array.from(outputs[name].data)]));
}

const number = (value: number) => f64([], [value]);

describe("at points where the function has a corner or a pole, by rule", () => {
  it("|x| has derivative +1 at 0 and at -0, so that a batch norm weight that starts at 0 learns", () => {
    expect(sumGradients((x) => abs(x!), [f64([4], [-2, -0, 0, 2])])).toEqual([[-1, 1, 1, 1]]);
  });

  it.each([
    ["max", max],
    ["min", min],
  ] as const)("%s at a tie gives the whole gradient to its second argument", (_op, f) => {
    const tie = f64([2], [1, -0]);
    expect(sumGradients((a, b) => f(a!, b!), [tie, f64([2], [1, 0])])).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });

  it("max(x, 0) at 0 is 0: ReLU", () => {
    expect(sumGradients((x) => max(x!, 0), [f64([3], [-1, 0, 1])])).toEqual([[0, 0, 1]]);
  });

  it("reduceMax shares the gradient of a tie equally", () => {
    expect(sumGradients((x) => reduceMax(x!, [1]), [f64([2, 4], [1, 3, 3, 0, 2, 2, 2, 2])])).toEqual([
      [0, 0.5, 0.5, 0, 0.25, 0.25, 0.25, 0.25],
    ]);
  });

  it("0^b: the base's derivative is b 0^(b-1), the exponent's is 0", () => {
    const exponents = f64([5], [0, 1, 2, 4, 1.5]);
    expect(sumGradients((a, b) => pow(a!, b!), [f64([5], [0, 0, 0, 0, 0]), exponents])).toEqual([
      [0, 1, 0, 0, 0],
      [0, 0, 0, 0, 0],
    ]);
  });

  it("a^0: the base's derivative is 0, the exponent's is log a", () => {
    expect(sumGradients((a, b) => pow(a!, b!), [f64([3], [2, 1, 0]), f64([3], [0, 0, 0])])).toEqual([
      [0, 0, 0],
      [Math.log(2), 0, 0],
    ]);
  });

  it("1^b with b = 0, and a = 1 with any b, are smooth", () => {
    expect(mismatches((a, b) => pow(a!, b!), [f64([3], [1, 1, 1]), f64([3], [0, 2, -1])])).toEqual([]);
  });

  it.each([0, 1, 2, 4])("x^%i has its difference quotient at base 0 too", (exponent) => {
    expect(mismatches((x) => pow(x!, exponent), [f64([2], [0, 1])])).toEqual([]);
  });

  it("sqrt, log and division have their infinite or NaN limits at 0", () => {
    expect(sumGradients((x) => sqrt(x!), [number(0)])).toEqual([[Infinity]]);
    expect(sumGradients((x) => log(x!), [number(0)])).toEqual([[Infinity]]);
    expect(sumGradients((a, b) => div(a!, b!), [number(1), number(0)])).toEqual([[Infinity], [-Infinity]]);
  });

  it("the branch that select does not take gets gradient 0, whatever it holds", () => {
    const condition = bool([2], [1, 0]);
    const [a, b] = [f64([2], [1, Number.NaN]), f64([2], [Number.POSITIVE_INFINITY, 2])];
    expect(sumGradients((c, p, q) => select(c!, p!, q!), [condition, a, b])).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });
});

describe("where the gradient is cut", () => {
  it("stopGradient: d(x stop(e^x)) = e^x dx, without the term x e^x", () => {
    const [gradient] = sumGradients((x) => mul(x!, stopGradient(exp(x!))), [f64([2], [0.5, -1])]);
    expect(gradient).toEqual([Math.exp(0.5), Math.exp(-1)]);
  });

  it.each<[string, TensorFunction]>([
    ["floor", (x) => floor(x!)],
    ["a cast through i32", (x) => cast(cast(x!, "i32"), "f32")],
    ["a comparison", (x) => cast(x!.builder.apply("less", [x!, x!], {}), "f32")],
    ["a function of something else", (x) => x!.builder.constant(1)],
  ])("%s has gradient zeros", (_title, f) => {
    expect(sumGradients(f, [f64([2], [0.5, 1])])).toEqual([[0, 0]]);
  });

  it("the other path of a value that is also stopped keeps its gradient", () => {
    expect(sumGradients((x) => add(stopGradient(x!), mul(x!, 3)), [number(2)])).toEqual([[3]]);
  });
});

describe("accumulation", () => {
  it("adds the gradients of all uses of a value", () => {
    // d(x x + 2 x - x) = 2 x + 1
    const f: TensorFunction = (x) => add(add(mul(x!, x!), mul(x!, 2)), mul(x!, -1));
    expect(sumGradients(f, [f64([2], [3, -1])])).toEqual([[7, -1]]);
  });

  it("adds up repeated indices of gather", () => {
    const f: TensorFunction = (table, indices) => gather(table!, indices!, 0);
    expect(sumGradients(f, [f64([3, 1], [5, 6, 7]), i32([4], [2, 0, 2, 2])])).toEqual([[1, 0, 3]]);
  });

  it("differentiates with respect to a value inside the graph", () => {
    const graph = build((b) => {
      const x: Value = b.input("x", { dtype: "f32", shape: [] });
      const inner = mul(x, 3);
      const [toInner, toX] = grad(mul(inner, inner), [inner, x]);
      return { toInner: toInner!, toX: toX! };
    });
    const { toInner, toX } = evaluate(graph, { x: number(2) }, { precision: "f64" });
    expect([toInner!.data[0], toX!.data[0]]).toEqual([12, 36]);
  });
});

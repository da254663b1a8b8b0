import type { AnyNode, TensorData } from "asl-core";
import { SMALLEST_NORMAL } from "../float32.js";
import { type Mutant, right, type WrongNode, wrongElement, wrongNodes } from "./mutant.js";

const { fround } = Math;

/** Nearest float32 with fewer bits behind the point: 10 for TF32, 7 for bfloat16. */
export function withMantissa(bits: number, x: number): number {
  if (!Number.isFinite(x) || x === 0) return x;
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(x))) - bits);
  return Math.round(x / unit) * unit;
}

/** Data of a value with more precision than float32, by the tensor that holds it rounded. */
type Unrounded = WeakMap<TensorData["data"], Float64Array>;

/** Products that go unrounded into a sum or difference. */
function fused(): WrongNode {
  const products: Unrounded = new WeakMap();
  return (node, inputs, type) => {
    const [a, b] = inputs;
    if (node.op === "mul") {
      const result = right(node, inputs, type);
      products.set(
        result.data,
        Float64Array.from(a!.data, (x, i) => x * b!.data[i]!),
      );
      return result;
    }
    if (node.op !== "add" && node.op !== "sub") return undefined;
    const left = products.get(a!.data) ?? a!.data;
    const other = products.get(b!.data) ?? b!.data;
    const sign = node.op === "add" ? 1 : -1;
    return { type, data: Float32Array.from(left, (x, i) => x + sign * other[i]!) };
  };
}

/** (a + c) - c becomes a. */
function reassociated(): WrongNode {
  const sums = new WeakMap<TensorData["data"], readonly TensorData[]>();
  const same = (x: TensorData, y: TensorData) =>
    x.data.every((element: number, i: number) => Object.is(element, y.data[i]));
  return (node, inputs, type) => {
    if (node.op === "add") {
      const result = right(node, inputs, type);
      sums.set(result.data, inputs);
      return result;
    }
    const [a, c] = sums.get(inputs[0]?.data ?? new Uint8Array()) ?? [];
    if (node.op !== "sub" || a === undefined || c === undefined) return undefined;
    return same(c, inputs[1]!) ? a : undefined;
  };
}

/** Keeps the sign, so that nothing but denormals is wrong. */
const flush = (x: number) => (Math.abs(x) < SMALLEST_NORMAL ? 0 * x : x);
const ARITHMETIC: readonly AnyNode["op"][] = ["add", "sub", "mul", "div", "sqrt"];

function flushing(): WrongNode {
  return (node, inputs, type) => {
    if (!ARITHMETIC.includes(node.op)) return undefined;
    const flushed = inputs.map((input) => ({ ...input, data: Float32Array.from(input.data, flush) }));
    const { data } = right(node, flushed, type);
    return { type, data: Float32Array.from(data, flush) };
  };
}

/** sigmoid(x) as ONNX Runtime's: a rational function in float32, good near 0, wrong in the tail. */
const tanhSigmoid = (x: number) => fround(0.5 * fround(Math.tanh(fround(0.5 * x))) + 0.5);

export const ELEMENTWISE_MUTANTS: readonly Mutant[] = [
  wrongNodes("fused multiply-add", "a b + c is rounded once", fused),
  wrongNodes("reassociation", "(a + c) - c is simplified to a", reassociated),
  wrongNodes("denormals flushed", "results and inputs below 2^-126 become 0", flushing),
  wrongElement("add", "in TF32", "sums keep 10 bits behind the point", (a, b) => withMantissa(10, a + b)),
  wrongElement("sub", "arguments swapped", "b - a for a - b", (a, b) => b - a),
  wrongElement("mul", "zero wins", "0 x NaN and 0 x infinity are 0", (a, b) => (a === 0 || b === 0 ? 0 : a * b)),
  wrongElement("div", "by reciprocal", "a x (1 / b), rounded twice", (a, b) => a * fround(1 / b)),
  wrongElement("div", "safe", "a / 0 is 0", (a, b) => (b === 0 ? 0 : a / b)),
  wrongElement("sqrt", "by reciprocal root", "x x (1 / sqrt(x)), rounded twice", (x) =>
    x === 0 ? x : x * fround(1 / Math.sqrt(x)),
  ),
  wrongElement("sqrt", "of |x|", "sqrt(-1) is 1", (x) => Math.sqrt(x === 0 ? x : Math.abs(x))),
  wrongElement("exp", "base 2 in float32", "2^(x log2 e) with the product rounded", (x) => 2 ** fround(x * Math.LOG2E)),
  wrongElement("exp", "clamped", "the argument is held below 88", (x) => Math.exp(Math.min(x, 88))),
  wrongElement("log", "guarded", "log(x + 1e-8)", (x) => Math.log(x + 1e-8)),
  wrongElement("log", "by log1p", "log1p(x - 1) with the difference rounded", (x) => Math.log1p(fround(x - 1))),
  wrongElement("sigmoid", "by tanh", "(tanh(x / 2) + 1) / 2 cancels in the tail", tanhSigmoid),
  wrongElement("sigmoid", "clamped", "0 and 1 beyond +-16", (x) => (x < -16 ? 0 : x > 16 ? 1 : 1 / (1 + Math.exp(-x)))),
  wrongElement("pow", "0^0 is NaN", "e^(b log a) without a case for 0", (a, b) => Math.exp(b * Math.log(a))),
  wrongElement("pow", "in float32", "b log a is rounded before exp", (a, b) =>
    a === 0 || b === 0 ? a ** b : Math.exp(fround(b * fround(Math.log(a)))),
  ),
  wrongElement("max", "drops NaN", "max(NaN, 1) is 1", (a, b) =>
    Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b),
  ),
  wrongElement("min", "drops NaN", "min(NaN, 1) is 1", (a, b) =>
    Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.min(a, b),
  ),
  wrongElement("max", "sign of zero", "max(-0, 0) is its first argument", (a, b) => (a === b ? a : Math.max(a, b))),
  wrongElement("less", "or equal", "a <= b", (a, b) => Number(a <= b)),
  wrongElement("less", "not greater", "NaN < 1 is true", (a, b) => Number(!(a >= b))),
  wrongElement("equal", "nearly", "|a - b| < 1e-6", (a, b) => Number(a === b || Math.abs(a - b) < 1e-6)),
  wrongElement("equal", "by bits", "NaN equals NaN, -0 does not equal 0", (a, b) => Number(Object.is(a, b))),
  wrongElement("floor", "truncates", "toward zero", Math.trunc),
  wrongElement("floor", "rounds", "to the nearest", Math.round),
  wrongElement("floor", "by int32", "wrong beyond 2^31", (x) =>
    Math.abs(x) < 2 ** 31 ? Math.floor(x) : Math.floor(x) | 0,
  ),
  wrongElement("neg", "0 - x", "-(0) is +0", (x) => 0 - x),
  wrongElement("abs", "max(x, -x) by comparison", "|-0| is -0", (x) => (x < 0 ? -x : x)),
  wrongElement(
    "select",
    "as arithmetic",
    "c a + (1 - c) b: NaN that was not chosen wins",
    (c, a, b) => c * a + (1 - c) * b,
  ),
  wrongNodes(
    "cast: rounds",
    "1.5 becomes 2 as i32",
    () =>
      (node, [x], type) =>
        node.op === "cast" && node.attrs.to === "i32"
          ? { type, data: Int32Array.from(x!.data, Math.round) }
          : undefined,
  ),
  wrongNodes(
    "cast: truth by truncation",
    "0.5 is false",
    () =>
      (node, [x], type) =>
        node.op === "cast" && node.attrs.to === "bool"
          ? { type, data: Uint8Array.from(x!.data, (value) => (Math.trunc(value) === 0 ? 0 : 1)) }
          : undefined,
  ),
  wrongNodes("constants in half precision", "numbers of the graph keep 10 bits", () => (node, inputs, type) => {
    if (node.op !== "constant" || type.dtype !== "f32") return undefined;
    const { data } = right(node, inputs, type);
    return { type, data: Float32Array.from(data, (x) => withMantissa(10, x)) };
  }),
];

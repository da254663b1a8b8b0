import type { Value } from "../graph/builder.js";
import type { OpName } from "../ops/table.js";
import type { DType } from "../types/tensor.js";
import { broadcastTogether, type Operand } from "./broadcasting.js";

type UnaryName = "neg" | "abs" | "floor" | "exp" | "log" | "sqrt" | "sigmoid" | "stopGradient";
type BinaryName = Extract<OpName, "add" | "sub" | "mul" | "div" | "pow" | "max" | "min" | "less" | "equal">;

const unary = (op: UnaryName) => (x: Value) => x.builder.apply(op, [x], {});

const binary = (op: BinaryName) => (a: Operand, b: Operand) => {
  const operands = broadcastTogether(op, [a, b]);
  return operands[0]!.builder.apply(op, operands, {});
};

export const neg = unary("neg");
/** |x|; derivative +1 at 0. */
export const abs = unary("abs");
export const floor = unary("floor");
export const exp = unary("exp");
export const log = unary("log");
export const sqrt = unary("sqrt");
export const sigmoid = unary("sigmoid");
/** The identity with gradient zero. */
export const stopGradient = unary("stopGradient");

export const add = binary("add");
export const sub = binary("sub");
export const mul = binary("mul");
export const div = binary("div");
/** a^b for a >= 0; pow(0, 0) = 1. */
export const pow = binary("pow");
/** The gradient goes to b where a = b. */
export const max = binary("max");
/** The gradient goes to b where a = b. */
export const min = binary("min");
export const less = binary("less");
export const equal = binary("equal");

export const square = (x: Value) => mul(x, x);

/** condition ? a : b, broadcast together. */
export function select(condition: Value, a: Operand, b: Operand): Value {
  return condition.builder.apply("select", broadcastTogether("select", [condition, a, b]), {});
}

export function cast(x: Value, to: DType): Value {
  return x.type.dtype === to ? x : x.builder.apply("cast", [x], { to });
}

/**
 * base^exponent for a constant exponent: repeated products for whole exponents, otherwise pow.
 * A zero exponent is the constant 1 with gradient 0.
 */
export function power(base: Value, exponent: number): Value {
  if (exponent === 0) return broadcastTogether("power", [base, base.builder.constant(1)])[1]!;
  if (!Number.isInteger(exponent) || exponent < 0) return pow(base, exponent);
  if (exponent === 1) return base;
  const half = power(base, Math.floor(exponent / 2));
  return exponent % 2 === 0 ? square(half) : mul(square(half), base);
}

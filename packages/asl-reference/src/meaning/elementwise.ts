import type { CastAttrs, NoAttrs } from "asl-core";
import { sizeOf } from "asl-core";
import { allocateElements } from "../arithmetic.js";
import { type Meaning, realsOf } from "./meaning.js";

// Every result is computed in float64 from inputs of the precision and rounded once by the store. For + - * / and sqrt
// in f32 that equals the correctly rounded float32 operation, since 53 >= 2 * 24 + 2 (Figueroa 1995: double rounding).

function unary(f: (x: number) => number): Meaning<NoAttrs> {
  return ([input], _attrs, _type, arithmetic) => {
    const x = realsOf(input!);
    const result = arithmetic.reals(x.length);
    for (let i = 0; i < x.length; i++) result[i] = f(x[i]!);
    return result;
  };
}

function binary(f: (a: number, b: number) => number): Meaning<NoAttrs> {
  return ([left, right], _attrs, _type, arithmetic) => {
    const a = realsOf(left!);
    const b = realsOf(right!);
    const result = arithmetic.reals(a.length);
    for (let i = 0; i < a.length; i++) result[i] = f(a[i]!, b[i]!);
    return result;
  };
}

function comparison(f: (a: number, b: number) => boolean): Meaning<NoAttrs> {
  return ([left, right]) => {
    const a = realsOf(left!);
    const b = realsOf(right!);
    const result = new Uint8Array(a.length);
    for (let i = 0; i < a.length; i++) result[i] = f(a[i]!, b[i]!) ? 1 : 0;
    return result;
  };
}

/** -x; flips the sign of zero too. */
export const neg = unary((x) => -x);
/** |x|; abs(-0) = 0. */
export const abs = unary(Math.abs);
/** Largest integer <= x; keeps -0, NaN and infinities. */
export const floor = unary(Math.floor);
/** e^x. */
export const exp = unary(Math.exp);
/** Natural logarithm; log(0) = -Infinity, log(x < 0) = NaN. */
export const log = unary(Math.log);
/** sqrt(x < 0) = NaN, sqrt(-0) = -0. */
export const sqrt = unary(Math.sqrt);
/** 1 / (1 + e^-x), as e^x / (1 + e^x) for x < 0 so that it stays accurate until e^x itself underflows. */
export const sigmoid = unary((x) => {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const power = Math.exp(x);
  return power / (1 + power);
});

export const add = binary((a, b) => a + b);
export const sub = binary((a, b) => a - b);
export const mul = binary((a, b) => a * b);
export const div = binary((a, b) => a / b);
/** a^b as ECMAScript: pow(a, 0) = 1 for every a, NaN included; pow(1, NaN) = pow(1, Infinity) = NaN. */
export const pow = binary((a, b) => a ** b);
/** The larger; NaN if either is NaN; max(-0, 0) = 0 in both orders. */
export const max = binary(Math.max);
/** The smaller; NaN if either is NaN; min(-0, 0) = -0 in both orders. */
export const min = binary(Math.min);

/** a < b; false when either is NaN; -0 < 0 is false. */
export const less = comparison((a, b) => a < b);
/** a = b; false when either is NaN; -0 equals 0. */
export const equal = comparison((a, b) => a === b);

/** condition ? a : b, element by element; the element not chosen has no influence, even if it is NaN. */
export const select: Meaning<NoAttrs> = ([condition, a, b], _attrs, type, arithmetic) => {
  const result = allocateElements(type.dtype, sizeOf(type.shape), arithmetic);
  const chosen = condition!.data;
  const whenTrue = a!.data;
  const whenFalse = b!.data;
  for (let i = 0; i < result.length; i++) result[i] = chosen[i] !== 0 ? whenTrue[i]! : whenFalse[i]!;
  return result;
};

const LARGEST_I32 = 2 ** 31 - 1;
const SMALLEST_I32 = -(2 ** 31);

/** Truncates toward zero; beyond the range of i32 saturates, NaN gives 0 (as WebAssembly's trunc_sat). */
function toI32(x: number): number {
  return Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), SMALLEST_I32), LARGEST_I32);
}

/** To i32: see `toI32`. To bool: x != 0, so NaN is true. To f32: rounded to the precision. */
export const cast: Meaning<CastAttrs> = ([x], { to }, type, arithmetic) => {
  if (x!.type.dtype === to) return x!.data;
  const result = allocateElements(to, sizeOf(type.shape), arithmetic);
  const source = x!.data;
  for (let i = 0; i < result.length; i++) {
    const value = source[i]!;
    result[i] = to === "bool" ? Number(value !== 0) : to === "i32" ? toI32(value) : value;
  }
  return result;
};

/** The identity. */
export const stopGradient: Meaning<NoAttrs> = ([x]) => x!.data;

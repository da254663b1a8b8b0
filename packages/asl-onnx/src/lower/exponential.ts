import { f32 } from "asl-core";
import type { Operand } from "./extent.js";
import type { Lowering } from "./lowering.js";
import type { OnnxOperator } from "./operators.js";
import { ELEMENT_TYPE } from "./writer.js";

/** ln 2 in two parts; times a whole number below 2^15 the first is exact. */
const LN2_HIGH = 355 / 512;
const LN2_LOW = Math.LN2 - LN2_HIGH;

const LARGEST_POWER = 126;
const POWERS = f32(
  [2 * LARGEST_POWER + 1],
  Float32Array.from({ length: 2 * LARGEST_POWER + 1 }, (_, i) => 2 ** (i - LARGEST_POWER)),
);

/**
 * e^x = 2^n e^r with n = round(x / ln 2), r = x - n ln 2 (Cody and Waite), for kernels that break exp's contract: WGSL
 * promises 3 + 2|x| ULP, which is enough for |r| < 0.35.
 */
export function exponential(x: Operand, lowering: Lowering): Operand {
  const apply = (opType: OnnxOperator, ...given: readonly (Operand | number)[]): Operand =>
    lowering.elementwise(
      opType,
      given.map((each) => (typeof each === "number" ? lowering.scalar(each) : each)),
    );
  const between = (a: Operand, low: number, high: number) => apply("Min", apply("Max", a, low), high);
  /** 2^k for a whole k, from a table: exp2 of a whole number is nowhere promised to be exact. */
  const powerOfTwo = (k: Operand): Operand => {
    const row = apply("Add", between(k, -LARGEST_POWER, LARGEST_POWER), LARGEST_POWER);
    const index = lowering.elementwise("Cast", [row], { to: { int: ELEMENT_TYPE.i32 } });
    const name = lowering.emit("Gather", [lowering.table("powers-of-two", POWERS), index.name], { axis: { int: 0 } });
    return { name, extents: index.extents };
  };

  // NaN is no row of a table
  const isNumber = apply("Equal", x, x);
  // beyond, the result is 0 or infinity
  const bounded = apply("Where", isNumber, between(x, -104, 89), 0);
  const n = apply("Floor", apply("Add", apply("Mul", bounded, Math.LOG2E), 0.5));
  const r = apply("Sub", apply("Sub", bounded, apply("Mul", n, LN2_HIGH)), apply("Mul", n, LN2_LOW));
  // in two steps, since 2^n alone may lie beyond float32
  const half = apply("Floor", apply("Mul", n, 0.5));
  const scaled = apply("Mul", apply("Mul", apply("Exp", r), powerOfTwo(half)), powerOfTwo(apply("Sub", n, half)));
  return apply("Where", isNumber, scaled, x);
}

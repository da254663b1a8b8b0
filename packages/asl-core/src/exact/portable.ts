import { abs, cast, less, select } from "../functions/elementwise.js";
import { gather } from "../functions/shape.js";
import type { Value } from "../graph/builder.js";
import { f32 } from "../types/tensor.js";

/**
 * What makes bits portable. Additions, subtractions and products round alike on every backend; denormals (flushed on
 * most GPUs) and the sign of zero do not survive alike. So every result below SMALLEST becomes +0: whatever passes
 * through the denormal range on its way to a result ends below SMALLEST or is absorbed by a term above it, because
 * half a unit in the last place of anything from 2^-100 on exceeds the largest denormal.
 */
export const SMALLEST = 2 ** -100;

/** x, or +0 where |x| < 2^-100 (-0 included). Its gradient is that of the identity. */
export function flushTiny(x: Value): Value {
  const flushed = select(less(abs(x), SMALLEST), 0, x);
  return x.builder.differentiateAs(flushed, [x], (g) => [g]);
}

/**
 * table[position]; `position` is a whole number in float32. Where `inside` does not hold the last entry is read: a
 * comparison with NaN is false, so that NaN never becomes an index.
 */
export function lookup(position: Value, inside: Value, ...tables: readonly Float32Array[]): Value[] {
  const { builder } = position;
  const index = cast(select(inside, position, tables[0]!.length - 1), "i32");
  return tables.map((table) => gather(builder.constant(f32([table.length], table)), index));
}

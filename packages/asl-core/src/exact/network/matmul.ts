import { GraphError } from "../../errors/errors.js";
import { broadcastTo } from "../../functions/broadcasting.js";
import { matmul } from "../../functions/contraction.js";
import { reshape, sliceAxis, transpose } from "../../functions/shape.js";
import type { Value } from "../../graph/builder.js";
import { flushTiny } from "../portable.js";
import { MOST_TERMS, rescaled, slicedProduct } from "./product.js";
import { DEFAULT_SLICES, slicesOf } from "./slices.js";

export interface SlicesOption {
  /** Digits of 8 bits that each element is cut into. Default 4, as accurate as native float32; 3 are faster. */
  readonly slices?: number;
}

/**
 * [..., M, K] x [..., K, N], the same bits on every backend; elements below 2^100. With 4 slices, for each element
 *   |error| <= 2^-23 |y| + ceil(K / 1024) 2^-24 sum |a b| + K 2^-26 max |a| max |b|,
 * maxima over its row of a and its column of b; |y| below 2^-100 becomes +0. Gradients are those of matmul.
 */
export function exactMatmul(a: Value, b: Value, { slices = DEFAULT_SLICES }: SlicesOption = {}): Value {
  checkSlices("exactMatmul", slices);
  const { builder } = a;
  return builder.scope("exact.matmul", () => {
    const rank = a.shape.length;
    const [rowAxis, columnAxis] = [rank - 2, rank - 1];
    const left = slicesOf(a, [columnAxis], slices);
    const right = slicesOf(b, [rowAxis], slices);
    const terms = a.shape[columnAxis]!;
    const product = slicedProduct(left.digits, right.digits, terms, (x, y) =>
      rangesOf(terms, MOST_TERMS).map(([start, end]) =>
        matmul(sliceAxis(x, columnAxis, start, end), sliceAxis(y, rowAxis, start, end)),
      ),
    );
    const { shape } = product;
    const rows = broadcastTo(reshape(left.scale, [...a.shape.slice(0, -1), 1]), shape);
    const columns = broadcastTo(reshape(right.scale, [...b.shape.slice(0, -2), 1, shape[columnAxis]!]), shape);
    const y = flushTiny(rescaled(product, rows, columns));
    const swap = a.shape.map((_, axis) => (axis === rowAxis ? columnAxis : axis === columnAxis ? rowAxis : axis));
    return builder.differentiateAs(y, [a, b], (g) => [matmul(g, transpose(b, swap)), matmul(transpose(a, swap), g)]);
  });
}

/** [0, count) in ranges of at most `most`. */
export function rangesOf(count: number, most: number): (readonly [start: number, end: number])[] {
  const ranges = Math.ceil(count / most);
  return Array.from({ length: ranges }, (_, i) => [i * most, Math.min((i + 1) * most, count)] as const);
}

/** Throws GraphError unless `slices` is a whole number from 1 to 4: a float32 has no more. */
export function checkSlices(op: string, slices: number): void {
  if (!Number.isInteger(slices) || slices < 1 || slices > 4) {
    throw new GraphError(`${op}: slices must be 1, 2, 3 or 4; got ${slices}`);
  }
}

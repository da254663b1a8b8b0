import type { ValueId } from "../graph/graph.js";
import { type Shape, sameShape, sizeOf } from "../types/tensor.js";
import { madeBy, type Rewriting, type Rules } from "./rewriting.js";

const sum = (a: readonly number[], b: readonly number[]) => a.map((x, axis) => x + b[axis]!);
const isZero = (widths: readonly number[]) => widths.every((width) => width === 0);
const shapeOf = ({ writer }: Rewriting, id: ValueId): Shape => writer.typeOf(id).shape;

/** A broadcast scalar looks the same from everywhere: any rearrangement of it is the scalar broadcast to that shape. */
function rearrangedScalar(rewriting: Rewriting, x: ValueId, shape: Shape, scope: string): ValueId | undefined {
  const scalar = madeBy(rewriting, x, "broadcast")?.inputs[0];
  // One element: broadcasting it is a reshape, which is what we are rewriting.
  if (scalar === undefined || shapeOf(rewriting, scalar).length > 0 || sizeOf(shape) === 1) return undefined;
  return rewriting.apply("broadcast", [scalar], { shape, axes: [] }, scope);
}

/** Chains of movements become one movement, and those that move nothing disappear. */
export const MOVEMENT_RULES: Rules = {
  // reshape(reshape(x)) = reshape(x)
  reshape(rewriting, [x], { shape }, scope) {
    if (sameShape(shapeOf(rewriting, x!), shape)) return x;
    const inner = madeBy(rewriting, x!, "reshape");
    if (inner !== undefined) return rewriting.apply("reshape", inner.inputs, { shape }, scope);
    return rearrangedScalar(rewriting, x!, shape, scope);
  },

  // transpose_p(transpose_q(x)) = transpose_r(x),  r[i] = q[p[i]]
  transpose(rewriting, [x], { permutation }, scope) {
    const shape = shapeOf(rewriting, x!);
    const moved = permutation.map((axis) => shape[axis]!);
    const wide = permutation.filter((axis) => shape[axis] !== 1);
    // Axes of extent 1 hold no order: when only they move, the elements stay where they are.
    if (wide.every((axis, i) => i === 0 || wide[i - 1]! < axis)) {
      return rewriting.apply("reshape", [x!], { shape: moved }, scope);
    }
    const inner = madeBy(rewriting, x!, "transpose");
    if (inner !== undefined) {
      const composed = permutation.map((axis) => inner.attrs.permutation[axis]!);
      return rewriting.apply("transpose", inner.inputs, { permutation: composed }, scope);
    }
    return rearrangedScalar(rewriting, x!, moved, scope);
  },

  // broadcast_b(broadcast_a(x)) = broadcast_c(x),  c[i] = b[a[i]]
  broadcast(rewriting, [x], { shape, axes }, scope) {
    // Only axes of extent 1 are new
    if (shape.every((extent, axis) => extent === 1 || axes.includes(axis))) {
      return rewriting.apply("reshape", [x!], { shape }, scope);
    }
    const inner = madeBy(rewriting, x!, "broadcast");
    if (inner === undefined) return undefined;
    const composed = inner.attrs.axes.map((axis) => axes[axis]!);
    return rewriting.apply("broadcast", inner.inputs, { shape, axes: composed }, scope);
  },

  slice(rewriting, [x], { starts, ends }, scope) {
    const shape = shapeOf(rewriting, x!);
    const kept = ends.map((end, axis) => end - starts[axis]!);
    if (sameShape(kept, shape)) return x;

    // x[a:b][c:d] = x[a + c : a + d]
    const sliced = madeBy(rewriting, x!, "slice");
    if (sliced !== undefined) {
      const from = sliced.attrs.starts;
      return rewriting.apply("slice", sliced.inputs, { starts: sum(from, starts), ends: sum(from, ends) }, scope);
    }
    // A slice that touches no border of a padded value is a slice of the value itself
    const padded = madeBy(rewriting, x!, "pad");
    if (padded !== undefined) {
      const { low } = padded.attrs;
      const inner = shapeOf(rewriting, padded.inputs[0]!);
      const inside = inner.every((extent, axis) => low[axis]! <= starts[axis]! && ends[axis]! <= low[axis]! + extent);
      const back = low.map((width) => -width);
      if (inside) {
        return rewriting.apply("slice", padded.inputs, { starts: sum(starts, back), ends: sum(ends, back) }, scope);
      }
    }
    return sliceOfConcat(rewriting, x!, starts, ends, scope) ?? rearrangedScalar(rewriting, x!, kept, scope);
  },

  // Borders of one constant around each other are one border
  pad(rewriting, [x], { low, high, mode, value }, scope) {
    if (isZero(low) && isZero(high)) return x;
    const inner = madeBy(rewriting, x!, "pad");
    if (inner === undefined || mode !== "constant" || inner.attrs.mode !== "constant") return undefined;
    if (!Object.is(inner.attrs.value, value)) return undefined;
    const attrs = { low: sum(inner.attrs.low, low), high: sum(inner.attrs.high, high), mode, value };
    return rewriting.apply("pad", inner.inputs, attrs, scope);
  },

  // concat(x) = x
  concat: (_, parts) => (parts.length === 1 ? parts[0] : undefined),
};

/** concat(a, b, c)[slice inside b] = b[slice]. */
function sliceOfConcat(
  rewriting: Rewriting,
  x: ValueId,
  starts: readonly number[],
  ends: readonly number[],
  scope: string,
): ValueId | undefined {
  const joined = madeBy(rewriting, x, "concat");
  if (joined === undefined) return undefined;
  const { axis } = joined.attrs;
  let first = 0;
  for (const part of joined.inputs) {
    const next = first + shapeOf(rewriting, part)[axis]!;
    if (first <= starts[axis]! && ends[axis]! <= next) {
      const inPart = (indices: readonly number[]) => indices.map((index, i) => (i === axis ? index - first : index));
      return rewriting.apply("slice", [part], { starts: inPart(starts), ends: inPart(ends) }, scope);
    }
    first = next;
  }
  return undefined;
}

import { add } from "../functions/elementwise.js";
import { concat, sliceAxis } from "../functions/shape.js";
import type { Value } from "../graph/builder.js";
import type { PadAttrs } from "../ops/movement.js";

/** The transpose of pad: the border's gradient returns to the elements that the border copied. */
export function unpad(g: Value, { low, high, mode }: PadAttrs): Value {
  let gradient = g;
  for (let axis = 0; axis < g.shape.length; axis++) {
    gradient = unpadAxis(gradient, axis, low[axis]!, high[axis]!, mode);
  }
  return gradient;
}

function unpadAxis(g: Value, axis: number, low: number, high: number, mode: PadAttrs["mode"]): Value {
  if (low === 0 && high === 0) return g;
  const extent = g.shape[axis]! - low - high;
  const centre = sliceAxis(g, axis, low, low + extent);
  if (mode === "constant") return centre;

  // Border element k (0-based in the padded axis) copied interior element source(k).
  const border = [
    ...Array.from({ length: low }, (_, k) => k),
    ...Array.from({ length: high }, (_, k) => low + extent + k),
  ];
  const source = (k: number): number => {
    const i = k - low;
    if (mode === "edge") return i < 0 ? 0 : extent - 1;
    return i < 0 ? -i : 2 * (extent - 1) - i;
  };
  const additions = new Map<number, Value>();
  for (const k of border) {
    const strip = sliceAxis(g, axis, k, k + 1);
    const known = additions.get(source(k));
    additions.set(source(k), known === undefined ? strip : add(known, strip));
  }

  // One concat of untouched runs and touched single rows: two passes over the data instead of one per strip.
  const pieces: Value[] = [];
  let from = 0;
  for (const [row, strip] of [...additions].sort(([a], [b]) => a - b)) {
    if (row > from) pieces.push(sliceAxis(centre, axis, from, row));
    pieces.push(add(sliceAxis(centre, axis, row, row + 1), strip));
    from = row + 1;
  }
  if (from < extent) pieces.push(sliceAxis(centre, axis, from, extent));
  return concat(pieces, axis);
}

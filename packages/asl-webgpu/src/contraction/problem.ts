/** A loop of a contraction: one digit of the batch, row (m), column (n) or term (k) number. */
export interface Axis {
  readonly name: string;
  readonly extent: number;
}

/**
 * A coordinate that may fall outside of the operand, where it reads 0: (offset + sum factor * axis) / divisor, which must
 * divide and lie in [0, extent). The row or column of a convolution's image.
 */
export interface Window {
  readonly factors: Readonly<Record<string, number>>;
  readonly offset: number;
  readonly divisor: number;
  readonly extent: number;
  /** Elements from one coordinate to the next. */
  readonly stride: number;
}

/** Element read for a position of the loops: offset + sum stride * axis + sum over windows of stride * coordinate. */
export interface Operand {
  readonly source: 0 | 1;
  readonly offset?: number;
  readonly strides: Readonly<Record<string, number>>;
  readonly windows: readonly Window[];
}

/**
 * out[batch, m, n] = sum_k a[batch, m, k] b[batch, k, n]: what matmul, conv2d and both of its gradients have in common.
 * Each index is a row-major number over its axes, slowest first.
 */
export interface GemmProblem {
  readonly batch: readonly Axis[];
  readonly m: readonly Axis[];
  readonly n: readonly Axis[];
  readonly k: readonly Axis[];
  readonly a: Operand;
  readonly b: Operand;
  readonly output: Readonly<Record<string, number>>;
}

export const extentOf = (axes: readonly Axis[]): number => axes.reduce((size, { extent }) => size * extent, 1);

const INDICES = ["batch", "m", "n", "k"] as const;

/** The same sums with fewer axes and windows: a 1x1 convolution becomes a plain matrix product. */
export function simplifyProblem(problem: GemmProblem): GemmProblem {
  const extents = Object.fromEntries(
    INDICES.flatMap((index) => problem[index].map((axis) => [axis.name, axis.extent])),
  );
  const inside = {
    ...problem,
    a: withoutSafeWindows(problem.a, extents),
    b: withoutSafeWindows(problem.b, extents),
  };
  const merged = (index: (typeof INDICES)[number]) => mergeAxes(inside, problem[index]);
  return { ...inside, batch: merged("batch"), m: merged("m"), n: merged("n"), k: merged("k") };
}

/** A window that no position leaves is a plain stride. */
function withoutSafeWindows(operand: Operand, extents: Readonly<Record<string, number>>): Operand {
  return withPlainWindows(operand, ({ factors, offset, divisor, extent }) => {
    const spans = Object.entries(factors).map(([axis, factor]) => factor * (extents[axis]! - 1));
    const least = offset + spans.reduce((sum, span) => sum + Math.min(span, 0), 0);
    const most = offset + spans.reduce((sum, span) => sum + Math.max(span, 0), 0);
    return divisor === 1 && least >= 0 && most < extent;
  });
}

/** Those windows of an operand that need no check become strides. */
export function withPlainWindows(operand: Operand, isPlain: (window: Window) => boolean): Operand {
  const strides: Record<string, number> = { ...operand.strides };
  let start = operand.offset ?? 0;
  const windows = operand.windows.filter((window) => {
    if (!isPlain(window)) return true;
    start += window.offset * window.stride;
    for (const [axis, factor] of Object.entries(window.factors)) {
      strides[axis] = (strides[axis] ?? 0) + factor * window.stride;
    }
    return false;
  });
  return { ...operand, offset: start, strides, windows };
}

/** The same sums with rows and columns in each other's place. */
export const transposeProblem = (problem: GemmProblem): GemmProblem => ({
  ...problem,
  m: problem.n,
  n: problem.m,
  a: problem.b,
  b: problem.a,
});

/** Drops axes of extent 1 that nothing offsets, and joins neighbours that every operand steps through as through one. */
function mergeAxes({ a, b, output }: GemmProblem, axes: readonly Axis[]): Axis[] {
  const windowed = new Set([...a.windows, ...b.windows].flatMap(({ factors }) => Object.keys(factors)));
  const merged: Axis[] = [];
  for (const axis of axes) {
    if (axis.extent === 1) continue;
    const outer = merged.at(-1);
    const continues = [a.strides, b.strides, output].every(
      (strides) => outer !== undefined && (strides[outer.name] ?? 0) === (strides[axis.name] ?? 0) * axis.extent,
    );
    if (outer !== undefined && continues && !windowed.has(outer.name) && !windowed.has(axis.name)) {
      merged[merged.length - 1] = { name: axis.name, extent: outer.extent * axis.extent };
    } else {
      merged.push(axis);
    }
  }
  return merged;
}

export type Reals = Float32Array | Float64Array;

/** A grid of elements inside an array: element (r, c) is data[start + r * rowStep + c * columnStep]. */
export interface Grid {
  readonly data: Reals;
  readonly start: number;
  readonly rowStep: number;
  readonly columnStep: number;
}

/**
 * The inner loops of the contractions. Each precision has its own functions, not one with a rounding argument:
 * V8 then sees one array type in each loop and runs it several times faster.
 */
export interface Accumulation {
  /** target[r,c] += factor * source[r,c], row-major. */
  addScaled(target: Grid, factor: number, source: Grid, rows: number, columns: number): void;
  /** sum + sum_{r,c} a[r,c] b[r,c], row-major. */
  addProducts(sum: number, a: Grid, b: Grid, rows: number, columns: number): number;
}

export const F64_ACCUMULATION: Accumulation = {
  addScaled(target, factor, source, rows, columns) {
    const { data: to, columnStep: toStep } = target;
    const { data: from, columnStep: fromStep } = source;
    for (let r = 0; r < rows; r++) {
      let i = target.start + r * target.rowStep;
      let j = source.start + r * source.rowStep;
      for (let c = 0; c < columns; c++, i += toStep, j += fromStep) to[i] = to[i]! + factor * from[j]!;
    }
  },
  addProducts(sum, a, b, rows, columns) {
    const { data: left, columnStep: leftStep } = a;
    const { data: right, columnStep: rightStep } = b;
    let total = sum;
    for (let r = 0; r < rows; r++) {
      let i = a.start + r * a.rowStep;
      let j = b.start + r * b.rowStep;
      for (let c = 0; c < columns; c++, i += leftStep, j += rightStep) total += left[i]! * right[j]!;
    }
    return total;
  },
};

/** The same with every product and every partial sum rounded to float32. */
export const F32_ACCUMULATION: Accumulation = {
  addScaled(target, factor, source, rows, columns) {
    const { data: to, columnStep: toStep } = target;
    const { data: from, columnStep: fromStep } = source;
    for (let r = 0; r < rows; r++) {
      let i = target.start + r * target.rowStep;
      let j = source.start + r * source.rowStep;
      for (let c = 0; c < columns; c++, i += toStep, j += fromStep) {
        to[i] = Math.fround(to[i]! + Math.fround(factor * from[j]!));
      }
    }
  },
  addProducts(sum, a, b, rows, columns) {
    const { data: left, columnStep: leftStep } = a;
    const { data: right, columnStep: rightStep } = b;
    let total = sum;
    for (let r = 0; r < rows; r++) {
      let i = a.start + r * a.rowStep;
      let j = b.start + r * b.rowStep;
      for (let c = 0; c < columns; c++, i += leftStep, j += rightStep) {
        total = Math.fround(total + Math.fround(left[i]! * right[j]!));
      }
    }
    return total;
  },
};

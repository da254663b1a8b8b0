import { InputError } from "../errors/errors.js";

/**
 * Weights by the effective number of samples: w_c = (1 - beta) / (1 - beta^n_c), scaled so that their mean over the
 * classes that occur is 1. n_c: pictures with the class; one without any gets the largest weight. beta = 0: all 1;
 * beta -> 1: 1 / n_c. Cui et al. 2019, "Class-balanced loss based on effective number of samples", eq. 2 and 3.
 */
export function effectiveNumberWeights(counts: ArrayLike<number>, beta: number): Float32Array {
  if (!(beta >= 0 && beta < 1)) throw new InputError(`effectiveNumberWeights: beta must be in [0, 1); got ${beta}`);
  const inverse = Array.from(counts, (count, label) => {
    if (!Number.isInteger(count) || count < 0) {
      throw new InputError(`effectiveNumberWeights: counts[${label}] must be a whole number from 0 on; got ${count}`);
    }
    // 1 - beta^n without cancellation for beta near 1
    return count === 0 ? Number.NaN : (1 - beta) / (beta === 0 ? 1 : -Math.expm1(count * Math.log(beta)));
  });
  const occurring = inverse.filter((weight) => !Number.isNaN(weight));
  if (occurring.length === 0) throw new InputError("effectiveNumberWeights: no class occurs");
  const mean = occurring.reduce((sum, weight) => sum + weight, 0) / occurring.length;
  const largest = Math.max(...occurring);
  return Float32Array.from(inverse, (weight) => (Number.isNaN(weight) ? largest : weight) / mean);
}

import jstat from "jstat";

export const CONFIDENCE = 0.95;

/**
 * Mean and its confidence interval by Student's t with n - 1 degrees of freedom, mean +- t s / sqrt(n): the values are
 * taken for a sample of a normal distribution. Without a second value there is no interval.
 */
export function tInterval(values) {
  const n = values.length;
  if (n === 0) return { mean: null, low: null, high: null };
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { mean, low: null, high: null };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const half = jstat.studentt.inv(0.5 + CONFIDENCE / 2, n - 1) * Math.sqrt(variance / n);
  return { mean, low: mean - half, high: mean + half };
}

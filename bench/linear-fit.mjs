import jstat from "jstat";

/**
 * Least squares of y = intercept + slope x, with the slope's 95 % interval by Student's t (n - 2 degrees of freedom), R^2
 * and the largest residual as a share of the mean of y. Samples that follow each other closely are not independent: there
 * the interval is too narrow. Needs three points with two different x.
 */
export function linearFit(xs, ys) {
  const n = xs.length;
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / n;
  const [x0, y0] = [mean(xs), mean(ys)];
  const sum = (term) => xs.reduce((total, x, i) => total + term(x - x0, ys[i] - y0), 0);
  const sxx = sum((x) => x * x);
  const slope = sum((x, y) => x * y) / sxx;
  const intercept = y0 - slope * x0;
  const residuals = xs.map((x, i) => ys[i] - intercept - slope * x);
  const left = residuals.reduce((total, residual) => total + residual * residual, 0);
  const around = sum((_, y) => y * y);
  const half = jstat.studentt.inv(0.975, n - 2) * Math.sqrt(left / (n - 2) / sxx);
  return {
    slope,
    intercept,
    low: slope - half,
    high: slope + half,
    r2: around === 0 ? 1 : 1 - left / around,
    residuals,
    worst: Math.max(...residuals.map(Math.abs)) / Math.abs(y0),
  };
}

/** Options of the loss with numbers for everything. */
export interface TruthOptions {
  readonly gammaNeg: number;
  readonly gammaPos: number;
  readonly clip: number;
  readonly epsilon: number;
  readonly detachFocusingWeight: boolean;
}

/** One element and its gradient in float64, written so that nothing cancels: 1 - p is 1 / (1 + e^x). */
export function lossElement(x: number, y: number, options: TruthOptions): { loss: number; gradient: number } {
  const { gammaNeg, gammaPos, clip, epsilon, detachFocusingWeight } = options;
  const p = 1 / (1 + Math.exp(-x));
  const oneMinusP = 1 / (1 + Math.exp(x));
  const softplus = Math.log1p(Math.exp(-Math.abs(x)));
  const distance = Math.max(p - clip, 0);
  const q = clip === 0 ? oneMinusP : Math.min(oneMinusP + clip, 1);
  const logQ = clip === 0 ? Math.min(-x, 0) - softplus : p < 0.5 ? Math.log1p(-distance) : Math.log(q);

  // A = y ln max(p, eps) + (1 - y) ln max(q, eps),  D = 1 - pt,  L = -A D^g
  const logarithm = mix(
    y,
    p < epsilon ? Math.log(epsilon) : Math.min(x, 0) - softplus,
    q < epsilon ? Math.log(epsilon) : logQ,
  );
  const base = mix(y, oneMinusP, distance);
  const gamma = mix(y, gammaPos, gammaNeg);
  const weight = base ** gamma;

  const unclipped = Number(p >= clip);
  const variance = p * oneMinusP;
  const slope = mix(y, p < epsilon ? 0 : oneMinusP, q < epsilon ? 0 : (-unclipped * variance) / q);
  const baseSlope = mix(y, -variance, unclipped * variance);
  // Where D = 0, A is 0 too, and A D^(g-1) goes to 0 with it
  const throughWeight =
    detachFocusingWeight || gamma === 0 || base === 0 ? 0 : logarithm * gamma * base ** (gamma - 1) * baseSlope;
  return { loss: -logarithm * weight, gradient: -(slope * weight + throughWeight) };
}

const mix = (y: number, positive: number, negative: number) => y * positive + (1 - y) * negative;

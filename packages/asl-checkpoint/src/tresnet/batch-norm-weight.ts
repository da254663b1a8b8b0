/**
 * InPlaceABN (official checkpoints) stores a raw weight w and scales by |w| + 1e-5; timm's plain batch norm stores the
 * scale v itself. PyTorch adds in f32, so 1e-5 is rounded first.
 */
const EPSILON = Math.fround(1e-5);

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** v = |w| + 1e-5 in f32. */
export function scaleOfRawWeight(weight: number): number {
  return Math.fround(Math.abs(weight) + EPSILON);
}

/**
 * The raw weight w >= 0 whose scale |w| + 1e-5, rounded to f32, is as near as possible to v >= 0; for v below 1e-5 that
 * is 0, whose scale is 1e-5. A v that came from a raw weight is met exactly; any other v >= 1e-5 within one unit in its
 * last place (where |w| + 1e-5 falls halfway between two f32, only the even one of them is ever a scale).
 */
export function rawWeightOfScale(scale: number): number {
  const guess = Math.max(0, Math.fround(scale - EPSILON));
  let best = guess;
  for (const candidate of [neighbour(guess, -1), neighbour(guess, 1)]) {
    if (Math.abs(scaleOfRawWeight(candidate) - scale) < Math.abs(scaleOfRawWeight(best) - scale)) best = candidate;
  }
  return best;
}

/** The next f32 above or below a value >= 0, not below 0. */
function neighbour(value: number, step: -1 | 1): number {
  float[0] = value;
  if (step === -1 && bits[0]! <= 0) return 0;
  bits[0]! += step;
  return float[0]!;
}

/** p = 1 / (1 + e^-x) in float64, rounded to float32. */
export function sigmoidScores(logits: ArrayLike<number>): Float32Array {
  const scores = new Float32Array(logits.length);
  for (let i = 0; i < scores.length; i++) scores[i] = 1 / (1 + Math.exp(-logits[i]!));
  return scores;
}

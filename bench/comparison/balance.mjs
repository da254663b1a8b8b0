// What a run has done to the probabilities of positives and negatives.
import { meanBy, numbersOf } from "./csv.mjs";

/**
 * Means over the steps of each epoch, from steps.csv: pPositive, the probability of positives; pNegative, 1 - p of
 * negatives; gap, their difference: p_t and the gap of Ben-Baruch et al. 2021, section 2.4.
 */
export function balanceByEpoch(stepsCsv) {
  const steps = numbersOf(stepsCsv);
  const epochs = [...new Set(steps.map(({ epoch }) => epoch))];
  return epochs.map((epoch) => {
    const own = steps.filter((step) => step.epoch === epoch);
    const withPositives = own.filter(({ p_plus }) => p_plus > 0);
    const pPositive = meanBy(withPositives, ({ p_plus }) => p_plus);
    const pNegative = meanBy(own, ({ p_minus }) => p_minus);
    const gammaNeg = meanBy(own, ({ gamma_neg }) => gamma_neg);
    return { epoch, pPositive, pNegative, gap: pPositive - pNegative, gammaNeg };
  });
}

/** |dL/dlogit| of a negative with the focusing weight detached: p_m^gamma p (1 - p) / (1 - p_m), p_m = max(p - m, 0). */
export function negativeGradient(p, { gammaNeg, clip }) {
  const shifted = Math.max(p - clip, 0);
  if (clip > 0 && shifted === 0) return 0;
  return (shifted ** gammaNeg * p * (1 - p)) / Math.max(1 - shifted, Number.EPSILON);
}

/**
 * Mean probabilities on the training pictures of positives that kept their label, of positives whose label was removed
 * and of true negatives; and which part of the gradient of all negatives pulls at the removed ones, with this loss and
 * with cross-entropy at the same probabilities: the lower beside cross-entropy's, the more of them the loss discards.
 */
export function removedPositives({ scores, targets }, removed, classes, focusing) {
  const sums = { kept: [0, 0], removed: [0, 0], negative: [0, 0] };
  const gradient = { own: [0, 0], crossEntropy: [0, 0] };
  removed.forEach((missed, row) => {
    for (let label = 0; label < classes; label++) {
      const p = scores[row * classes + label];
      const isMissed = missed.includes(label);
      const sum = sums[targets[row * classes + label] === 1 ? "kept" : isMissed ? "removed" : "negative"];
      sum[0] += p;
      sum[1]++;
      if (targets[row * classes + label] === 1) continue;
      for (const [name, settings] of [
        ["own", focusing],
        ["crossEntropy", { gammaNeg: 0, clip: 0 }],
      ]) {
        const pull = negativeGradient(p, settings);
        gradient[name][0] += isMissed ? pull : 0;
        gradient[name][1] += pull;
      }
    }
  });
  const mean = ([sum, count]) => (count === 0 ? null : sum / count);
  return {
    count: sums.removed[1],
    pKept: mean(sums.kept),
    pRemoved: mean(sums.removed),
    pNegative: mean(sums.negative),
    gradientShare: mean(gradient.own),
    gradientShareOfCrossEntropy: mean(gradient.crossEntropy),
  };
}

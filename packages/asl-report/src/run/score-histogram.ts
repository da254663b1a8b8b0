import type { Predictions } from "asl-training";

export interface ScoreHistogram {
  /** Pairs of picture and class in each of the equal bins of [0, 1]. */
  readonly positives: readonly number[];
  readonly negatives: readonly number[];
}

const BINS = 20;

/** How the scores of what is there and of what is not are spread. Targets of -1 take no part. */
export function scoreHistogram({ scores, targets }: Predictions): ScoreHistogram {
  const positives = new Array<number>(BINS).fill(0);
  const negatives = new Array<number>(BINS).fill(0);
  for (let i = 0; i < scores.length; i++) {
    const target = targets[i]!;
    if (target < 0) continue;
    const bins = target === 1 ? positives : negatives;
    bins[Math.min(BINS - 1, Math.floor(scores[i]! * BINS))]!++;
  }
  return { positives, negatives };
}

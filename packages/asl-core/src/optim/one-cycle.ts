import { InputError } from "../errors/errors.js";

export interface OneCycleOptions {
  /** Peak learning rate. */
  readonly maxLearningRate: number;
  readonly totalSteps: number;
  /** Share of the steps that rise. Default 0.2. */
  readonly risingShare?: number;
  /** Peak / first learning rate. Default 25. */
  readonly divFactor?: number;
  /** First / last learning rate. Default 1e4. */
  readonly finalDivFactor?: number;
  /** beta1 moves against the learning rate between these. Default 0.85. */
  readonly minBeta1?: number;
  /** Default 0.95. */
  readonly maxBeta1?: number;
}

export interface CycleValue {
  readonly learningRate: number;
  readonly beta1: number;
}

/** The one-cycle policy at `step` (0-based), cosine annealing. Smith & Topin 2018; as PyTorch's OneCycleLR. */
export function oneCycle(step: number, options: OneCycleOptions): CycleValue {
  const { maxLearningRate, totalSteps, risingShare = 0.2, divFactor = 25, finalDivFactor = 1e4 } = options;
  const { minBeta1 = 0.85, maxBeta1 = 0.95 } = options;
  if (!Number.isInteger(totalSteps) || totalSteps < 1) {
    throw new InputError(`oneCycle: totalSteps must be a whole number >= 1; got ${totalSteps}`);
  }
  if (!Number.isInteger(step) || step < 0 || step >= totalSteps) {
    throw new InputError(`oneCycle: step must be in 0..${totalSteps - 1}; got ${step}`);
  }
  const first = maxLearningRate / divFactor;
  const last = first / finalDivFactor;
  const peak = risingShare * totalSteps - 1;
  if (step <= peak) {
    const progress = peak === 0 ? 1 : step / peak;
    return { learningRate: anneal(first, maxLearningRate, progress), beta1: anneal(maxBeta1, minBeta1, progress) };
  }
  const progress = (step - peak) / (totalSteps - 1 - peak);
  return { learningRate: anneal(maxLearningRate, last, progress), beta1: anneal(minBeta1, maxBeta1, progress) };
}

/** from + (to - from) (1 - cos(pi progress)) / 2. */
function anneal(from: number, to: number, progress: number): number {
  return to + ((from - to) / 2) * (1 + Math.cos(Math.PI * progress));
}

import type { Operand } from "../functions/broadcasting.js";
import type { Value } from "../graph/builder.js";

/** `sum` over all elements; `batchMean` sum / batch; `mean` over all (annotated) elements; `none`: [batch, classes]. */
export type Reduction = "sum" | "batchMean" | "mean" | "none";

/**
 * What a target of -1 (not annotated) means.
 * - `ignore`: no loss
 * - `negative`: as 0
 * - `selective`: as 0, but ignored where the class is likely anyway: its prior exceeds `priorThreshold` or the
 *   predicted probability exceeds `likelihoodThreshold`. Ben-Baruch et al. 2022, class-aware selective loss.
 */
export type Unannotated =
  | { readonly mode: "ignore" }
  | { readonly mode: "negative" }
  | {
      readonly mode: "selective";
      /** Estimated frequency of each class, [classes]. */
      readonly prior: Value;
      readonly priorThreshold: number;
      readonly likelihoodThreshold: number;
    };

export interface AsymmetricLossOptions {
  /** Focusing of negatives; a Value when it changes from step to step (adaptive asymmetry). Default 4. */
  readonly gammaNeg?: Operand;
  /** Focusing of positives. Default 1 (the official default; the training recipe uses 0). */
  readonly gammaPos?: Operand;
  /** Probability margin by which negatives are shifted and clipped. Default 0.05. */
  readonly clip?: number;
  /** Smallest probability under a logarithm. Default 1e-8. */
  readonly epsilon?: number;
  /** Treat the focusing weight as a constant in the gradient (official `disable_torch_grad_focal_loss`). */
  readonly detachFocusingWeight?: boolean;
  /** `hard` promises that targets are 0 or 1 (or -1) and costs less; `soft` takes any value in [0, 1]. Default `soft`. */
  readonly targets?: "hard" | "soft";
  /** Weight of each class, [classes]. */
  readonly classWeights?: Value;
  /** Meaning of targets of -1. Without it every target must be in [0, 1]. */
  readonly unannotated?: Unannotated;
  /** Default `sum`, as the official implementation. */
  readonly reduction?: Reduction;
}

import { ShapeError } from "../errors/errors.js";
import { broadcastTo } from "../functions/broadcasting.js";
import { add, cast, equal, exp, mul, neg, power, select, sub } from "../functions/elementwise.js";
import { mean, reduceSum, reshape } from "../functions/shape.js";
import type { Value } from "../graph/builder.js";
import { logSoftmax } from "../nn/activation.js";
import { f32, formatType } from "../types/tensor.js";

export interface SingleLabelOptions {
  /** Default 4. */
  readonly gammaNeg?: number;
  /** Default 0. */
  readonly gammaPos?: number;
  /** Share of the target spread evenly over all classes. Default 0.1. */
  readonly labelSmoothing?: number;
  /** `mean` over the batch (default), `sum`, or `none`: [batch]. */
  readonly reduction?: "mean" | "sum" | "none";
}

/**
 * Single-label asymmetric loss. logits: [batch, classes] f32; target: class index, [batch] i32. Scalar, mean over batch.
 * L = -sum_c smooth(y)_c log softmax(x)_c (1 - pt_c)^g_c with pt = p for the target class and 1 - p for the others.
 * The gradient passes through the weight. Official ASLSingleLabel.
 */
export function asymmetricLossSingleLabel(logits: Value, target: Value, options: SingleLabelOptions = {}): Value {
  const { gammaNeg = 4, gammaPos = 0, labelSmoothing = 0.1, reduction = "mean" } = options;
  const { builder } = logits;
  return builder.scope("asymmetricLossSingleLabel", () => {
    const [batch, classes] = logits.shape as [number, number];
    if (
      logits.shape.length !== 2 ||
      target.type.dtype !== "i32" ||
      target.shape.length !== 1 ||
      target.shape[0] !== batch
    ) {
      throw new ShapeError(
        "asymmetricLossSingleLabel",
        `logits must be f32[batch, classes] and target i32[batch]; got ${formatType(logits.type)}, ${formatType(target.type)}`,
        builder.currentScope,
      );
    }
    const classIndex = builder.constant(
      f32(
        [1, classes],
        Array.from({ length: classes }, (_, c) => c),
      ),
    );
    const isTarget = equal(
      broadcastTo(reshape(cast(target, "f32"), [batch, 1]), [batch, classes]),
      broadcastTo(classIndex, [batch, classes]),
    );
    const logP = logSoftmax(logits);
    const p = exp(logP);
    const weight = select(isTarget, power(sub(1, p), gammaPos), power(p, gammaNeg));
    const smooth = add(mul(cast(isTarget, "f32"), 1 - labelSmoothing), labelSmoothing / classes);
    const perPicture = neg(reduceSum(mul(smooth, mul(logP, weight)), [1]));
    if (reduction === "none") return perPicture;
    return reduction === "sum" ? reduceSum(perPicture) : mean(perPicture);
  });
}

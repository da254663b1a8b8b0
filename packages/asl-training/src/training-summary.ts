import type { JsonObject } from "asl-checkpoint";
import type { Predictions } from "./predictions.js";
import type { TrainingResult } from "./training-options.js";
import { bestThreshold, type ValidationReport, validationReport } from "./validation-report.js";

/** An evaluation of one kind of weights, at the threshold that fits its scores best. */
export interface Evaluated {
  readonly predictions: Predictions;
  readonly report: ValidationReport;
  readonly threshold: number;
}

export function evaluatedOf(predictions: Predictions): Evaluated {
  const threshold = bestThreshold(predictions);
  return { predictions, report: validationReport(predictions, threshold), threshold };
}

/** The numbers of a report that go into a checkpoint. */
export function metricsOf(report: ValidationReport): Readonly<Record<string, number>> {
  const { mAP, mAPPresent, CP, CR, CF1, CF1OfMeans, OP, OR, OF1, images } = report;
  return { mAP, mAPPresent, CP, CR, CF1, CF1OfMeans, OP, OR, OF1, images };
}

/** The content of summary.json. */
export function summaryOf(result: TrainingResult): JsonObject {
  const { regular, ema } = result.best;
  return {
    ...result,
    best: { regular: regular === null ? null : { ...regular }, ema: ema === null ? null : { ...ema } },
  };
}

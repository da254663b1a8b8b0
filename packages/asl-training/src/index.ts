export {
  type ClassComparison,
  type Comparison,
  type ConfidenceOptions,
  comparePredictions,
  type MeanAveragePrecisionInterval,
  mapInterval,
} from "./confidence.js";
export { DivergedError, PredictionsError, RunDirectoryError } from "./errors.js";
export { type EvaluateOptions, evaluate } from "./evaluate.js";
export { checkPredictionSizes, type Predictions } from "./predictions.js";
export { type LoadPredictionsOptions, loadPredictions, savePredictions } from "./predictions-file.js";
export { openPredictor, type PredictedBatch, type Predictor, type PredictorOptions } from "./predictor.js";
export { type TrainingProgramName, type TrainingPrograms, trainingPrograms } from "./programs.js";
export type { BestEvaluation } from "./progress.js";
export {
  LOSSES,
  type LossName,
  type LossNumerics,
  RECIPE_DEFAULTS,
  type RecipeOptions,
  resolveRecipe,
  type TrainingRecipe,
} from "./recipe.js";
export { lossFeeds, recipeLoss } from "./recipe-loss.js";
export { RUN_FILES } from "./run-directory.js";
export { type StepSchedule, scheduleAt } from "./schedule.js";
export { evaluateScoreFile, RESERVED_MEMORY, type ScoreFileOptions } from "./score-file/evaluate-score-file.js";
export { type OpenScoreFileOptions, openScoreFile, type ScoreFile } from "./score-file/open-score-file.js";
export { type SparseTargetsOptions, sparseTargets } from "./score-file/sparse-targets.js";
export { maskedTargets, matrixTargets, type TargetColumns } from "./score-file/targets.js";
export { sigmoidScores } from "./scores.js";
export { selectClasses } from "./select-classes.js";
export { EventFile, readEvents, type ScalarEvent } from "./tracking/event-file.js";
export { METRICS_COLUMNS, STEPS_COLUMNS } from "./tracking/training-logs.js";
export { train } from "./train.js";
export type { BestCheckpoint, EpochReport, StepReport, TrainingOptions, TrainingResult } from "./training-options.js";
export { summaryOf } from "./training-summary.js";
export { bestThreshold, DEFAULT_THRESHOLD, type ValidationReport, validationReport } from "./validation-report.js";

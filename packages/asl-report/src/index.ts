export {
  type ChartOptions,
  type HistogramOptions,
  histogram,
  lineChart,
  type Point,
  type Series,
  sparkline,
  type Tone,
} from "./chart/charts.js";
export { type Html, html, trusted } from "./page/html.js";
export { type PageOptions, pageData, renderPage } from "./page/page.js";
export { type CoOccurrenceError, coOccurrenceErrors } from "./run/co-occurrence-errors.js";
export { type Mistake, type Mistakes, worstMistakes } from "./run/mistakes.js";
export { type CurvePoint, classCurve, overallCurve } from "./run/precision-recall-curve.js";
export { type ClassData, type ShownMistake, type ValidationData, validationData } from "./run/report-data.js";
export { type EpochPoint, type RunLogs, readRunLogs, type StepPoint } from "./run/run-logs.js";
export { type ReportData, type ReportOptions, reportData, runReport, validationPage } from "./run/run-report.js";
export { type ScoreHistogram, scoreHistogram } from "./run/score-histogram.js";
export { BALANCE, balanceSeries } from "./run/training-section.js";

import { formatDuration, formatTable } from "asl-cli";

/** `summary.json`: what the demo reached. Percent, seconds. */
export interface DemoSummary {
  /** Mean average precision on unseen scenes, and on scenes of the icon family that training never showed. */
  readonly mAP: number;
  readonly mAPHeldOutFamily: number;
  /** Mean of the classes' F1 on unseen scenes, at the checkpoint's threshold. */
  readonly CF1: number;
  /** The whole demo, over all attempts. */
  readonly seconds: number;
  /** Training speed. */
  readonly imagesPerSecond: number;
  /** Largest absolute difference of a logit between the exported file and the session. */
  readonly onnxMaxError: number;
}

/** The summary as a table for people. */
export function summaryTable(summary: DemoSummary): string {
  return formatTable(
    ["", "result"],
    [
      ["mAP, unseen scenes", summary.mAP.toFixed(2)],
      ["mAP, held-out icon family", summary.mAPHeldOutFamily.toFixed(2)],
      ["CF1, unseen scenes", summary.CF1.toFixed(2)],
      ["time", formatDuration(summary.seconds)],
      ["training speed", `${summary.imagesPerSecond.toFixed(0)} images/s`],
      ["ONNX file against the session", `max error ${summary.onnxMaxError.toExponential(1)}`],
    ],
    [1],
  );
}

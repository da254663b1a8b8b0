import { formatTable } from "asl-cli";
import type { ValidationReport } from "asl-training";

/** The object that --json prints, in percent. */
export function reportAsJson(report: ValidationReport) {
  const { mAP, mAPPresent, CP, CR, CF1, CF1OfMeans, OP, OR, OF1, threshold, images, classes } = report;
  return { mAP, mAPPresent, CP, CR, CF1, CF1OfMeans, OP, OR, OF1, threshold, images, classes };
}

/** Tables for people, in percent. */
export function reportAsText(report: ValidationReport): string {
  const { mAP, mAPPresent, threshold, images, classes, positives } = report;
  const percent = (value: number) => value.toFixed(2);
  const at = typeof threshold === "number" ? `score > ${threshold}` : "each class at its own threshold";
  const summary = [
    `${images} pictures, ${Object.keys(classes).length} classes`,
    `mAP ${percent(mAP)} (over the classes that occur: ${percent(mAPPresent)})`,
    "",
    formatTable(
      [at, "precision", "recall", "F1", ""],
      [
        [
          "mean of classes",
          percent(report.CP),
          percent(report.CR),
          percent(report.CF1),
          `F1 of the means ${percent(report.CF1OfMeans)}`,
        ],
        ["overall", percent(report.OP), percent(report.OR), percent(report.OF1), ""],
      ],
      [1, 2, 3],
    ),
    "",
    formatTable(
      ["class", "AP", "positives"],
      Object.entries(classes).map(([name, ap]) => [name, percent(ap), String(positives[name])]),
      [1, 2],
    ),
  ];
  return summary.join("\n");
}

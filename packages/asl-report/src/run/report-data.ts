import { type Predictions, type ValidationReport, validationReport } from "asl-training";
import { type CoOccurrenceError, coOccurrenceErrors } from "./co-occurrence-errors.js";
import { type Mistake, worstMistakes } from "./mistakes.js";
import { type CurvePoint, classCurve, overallCurve } from "./precision-recall-curve.js";
import { type ScoreHistogram, scoreHistogram } from "./score-histogram.js";
import { thumbnail } from "./thumbnail.js";

/** The figures of a validation; percent where `ValidationReport` has percent. */
export interface ValidationData {
  readonly metrics: Omit<ValidationReport, "classes" | "positives">;
  /** All classes, highest AP first; without positives at the end. */
  readonly classes: readonly ClassData[];
  readonly overallCurve: readonly CurvePoint[];
  readonly histogram: ScoreHistogram;
  readonly coOccurrence: readonly CoOccurrenceError[];
  readonly falsePositives: readonly ShownMistake[];
  readonly falseNegatives: readonly ShownMistake[];
}

export interface ClassData {
  readonly name: string;
  /** Percent. */
  readonly ap: number;
  readonly positives: number;
  /** Empty without positives, and beyond the first and last classes of a long list. */
  readonly curve: readonly CurvePoint[];
}

export interface ShownMistake extends Omit<Mistake, "row"> {
  /** The classes that the picture shows. */
  readonly truth: readonly string[];
  /** A small JPEG as a data: URI; null when there is no picture file. */
  readonly image: string | null;
}

/** Classes shown of a longer list: the best and the worst. */
const MOST_CLASSES = 120;

/** `fileOf`: the picture file of a row, by its name. */
export async function validationData(
  predictions: Predictions,
  threshold: number | readonly number[],
  fileOf: (picture: string) => string | undefined = () => undefined,
): Promise<ValidationData> {
  const { classes, positives, ...metrics } = validationReport(predictions, threshold);
  const { classNames } = predictions;
  const thresholdOf = (label: number) => (typeof threshold === "number" ? threshold : threshold[label]!);
  const order = classNames
    .map((_, label) => label)
    .sort((a, b) => {
      const [first, second] = [classNames[a]!, classNames[b]!];
      const without = Number(positives[first] === 0) - Number(positives[second] === 0);
      return without || classes[second]! - classes[first]! || a - b;
    });
  const isShown = (place: number) =>
    order.length <= MOST_CLASSES || place < MOST_CLASSES / 2 || place >= order.length - MOST_CLASSES / 2;
  const { falsePositives, falseNegatives } = worstMistakes(predictions, thresholdOf);
  const shown = (mistakes: readonly Mistake[]) =>
    Promise.all(
      mistakes.map(async ({ row, ...mistake }): Promise<ShownMistake> => {
        const file = fileOf(mistake.picture);
        const truth = classNames.filter((_, label) => predictions.targets[row * classNames.length + label] === 1);
        return { ...mistake, truth, image: file === undefined ? null : await thumbnail(file) };
      }),
    );
  return {
    metrics,
    classes: order.map((label, place) => {
      const name = classNames[label]!;
      const curve = isShown(place) ? classCurve(predictions, label) : [];
      return { name, ap: classes[name]!, positives: positives[name]!, curve };
    }),
    overallCurve: overallCurve(predictions),
    histogram: scoreHistogram(predictions),
    coOccurrence: coOccurrenceErrors(predictions, thresholdOf),
    falsePositives: await shown(falsePositives),
    falseNegatives: await shown(falseNegatives),
  };
}

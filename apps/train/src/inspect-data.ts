import { type CommandContext, checkPlaceOf, EXIT, formatTable, writeFileAtomically } from "asl-cli";
import { type DatasetInspection, inspectDataset } from "asl-data";
import type { TrainOptions } from "./command.js";
import { openDatasets } from "./datasets.js";
import { inspectionPage } from "./inspection-page.js";

/** The work of `asl-train --inspect`: looks at the training pictures and trains nothing. */
export async function inspectData(options: TrainOptions, imageSize: number, context: CommandContext): Promise<number> {
  const { report, signal } = context;
  if (options.html !== undefined) await checkPlaceOf(options.html);
  const { training } = await openDatasets(options, imageSize, context);
  const progress = options.decode
    ? report.progress({ label: "decode", total: training.items.length, unit: "pictures" })
    : undefined;
  try {
    const inspection = await inspectDataset(training, {
      decode: options.decode,
      signal,
      ...(progress === undefined ? {} : { onProgress: (done) => progress.update(done) }),
    });
    progress?.stop();
    if (options.json === true) report.printJson(inspection);
    else report.print(inspectionText(inspection));
    if (options.html !== undefined) {
      await writeFileAtomically(options.html, inspectionPage(inspection));
      report.note(`${options.html}: the same as a page`);
    }
    return EXIT.ok;
  } finally {
    progress?.stop();
  }
}

const MOST_CLASSES = 100;
const SHOWN = 10;

/** The inspection for people: tables and sentences. */
export function inspectionText({ labels, pictures, suggestion }: DatasetInspection): string {
  const { positivesPerPicture: per } = labels;
  const frequent = [...labels.classes].sort((a, b) => b.positives - a.positives);
  const percent = (value: number) => `${((100 * value) / labels.pictures).toFixed(1)} %`;
  const classRows = frequent
    .slice(0, MOST_CLASSES)
    .map(({ name, positives, unannotated }) => [
      name,
      String(positives),
      percent(positives),
      ...(labels.partial ? [percent(unannotated)] : []),
    ]);
  const head = ["class", "pictures", "share", ...(labels.partial ? ["not looked for"] : [])];
  return [
    `${labels.pictures} pictures, ${labels.classes.length} classes`,
    `${per.mean.toFixed(2)} classes per picture (at most ${per.max}); ${per.none} pictures without any`,
    `${labels.negativesPerPositive.toFixed(1)} negatives per positive; the most frequent class has ` +
      `${labels.maxOverMin.toFixed(1)} times the pictures of the rarest; Gini coefficient ${labels.gini.toFixed(3)}`,
    ...warning("classes without a picture", labels.absentClasses),
    ...warning(
      "file names of several pictures",
      labels.duplicateNames.map(({ name, files }) => `${name} (${files.join(", ")})`),
    ),
    ...(pictures === null ? ["pictures were not decoded (--no-decode)"] : pictureLines(pictures)),
    "",
    formatTable(head, classRows, [1, 2, 3]),
    ...(frequent.length > MOST_CLASSES ? [`... and ${frequent.length - MOST_CLASSES} more (--json has all)`] : []),
    ...(labels.coOccurrences.length === 0 ? [] : ["", pairTable(labels.coOccurrences.slice(0, SHOWN))]),
    "",
    "to begin with:",
    ...suggestion.reasons.map((reason) => `- ${reason}`),
  ].join("\n");
}

function pictureLines({
  broken,
  checked,
  shorterSide,
  longerSide,
}: NonNullable<DatasetInspection["pictures"]>): string[] {
  const sides =
    shorterSide === null || longerSide === null
      ? []
      : [
          `shorter sides ${shorterSide.min} to ${shorterSide.max} px, median ${shorterSide.median}; longer sides ` +
            `${longerSide.min} to ${longerSide.max} px, median ${longerSide.median}`,
        ];
  const bad = broken.slice(0, SHOWN).map(({ message }) => `  ${message}`);
  return [`${broken.length} of ${checked} pictures cannot be decoded`, ...bad, ...sides];
}

function pairTable(pairs: DatasetInspection["labels"]["coOccurrences"]): string {
  const rows = pairs.map(({ classes, pictures, lift }) => [classes.join(" + "), String(pictures), lift.toFixed(2)]);
  return formatTable(["together", "pictures", "lift"], rows, [1, 2]);
}

const warning = (what: string, names: readonly string[]) =>
  names.length === 0
    ? []
    : [`${names.length} ${what}: ${names.slice(0, SHOWN).join(", ")}${names.length > SHOWN ? ", ..." : ""}`];

import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import { formatDuration } from "asl-cli";
import { type CocoDataset, openCoco } from "asl-data";
import type { DemoRecipe } from "../recipe.js";
import type { InferenceResult, MetricsRow, ValidationResult } from "../results.js";
import type { DemoScenes } from "../scenes.js";
import type { DemoSummary } from "../summary.js";
import { compareTags, type EpochRecord, type Figure, type Report, type SceneRecord } from "./report.js";

/** What the demo has gathered. */
export interface ReportMaterial {
  readonly recipe: DemoRecipe;
  readonly scenes: DemoScenes;
  readonly summary: DemoSummary;
  readonly onnxBound: number;
  readonly unseen: ValidationResult;
  readonly heldOut: ValidationResult;
  readonly metrics: readonly MetricsRow[];
  readonly inferences: readonly InferenceResult[];
  readonly commands: readonly string[];
}

/** Puts results, truth and pictures together for the page. */
export async function buildReport(material: ReportMaterial): Promise<Report> {
  const { recipe, scenes, unseen, heldOut } = material;
  return {
    figures: figures(material),
    recipe: recipeLines(recipe),
    history: material.metrics.flatMap(epochRecord),
    classes: scenes.val.classes.map((name) => ({
      name,
      unseen: unseen.classes[name] ?? 0,
      heldOut: heldOut.classes[name] ?? 0,
    })),
    scenes: await sceneRecords(material),
    commands: material.commands,
  };
}

function figures({ recipe, summary, onnxBound, scenes, unseen }: ReportMaterial): readonly Figure[] {
  const cores = availableParallelism();
  return [
    {
      label: "mAP, unseen scenes",
      value: summary.mAP.toFixed(1),
      note: `percent, over ${scenes.val.classes.length} classes`,
    },
    {
      label: "mAP, held-out icons",
      value: summary.mAPHeldOutFamily.toFixed(1),
      note: `drawings of ${recipe.heldOutFamily}, never trained on`,
    },
    { label: "CF1", value: summary.CF1.toFixed(1), note: `percent, at threshold ${unseen.threshold.toFixed(2)}` },
    {
      label: "Time",
      value: formatDuration(summary.seconds),
      note: `all steps, ${cores} ${cores === 1 ? "core" : "cores"}`,
    },
    { label: "Training", value: `${summary.imagesPerSecond.toFixed(0)}/s`, note: "pictures a second" },
    {
      label: "ONNX file",
      value: summary.onnxMaxError.toExponential(1),
      note: `largest difference of a logit; bound ${onnxBound.toExponential(1)}`,
    },
  ];
}

function recipeLines({ scenes, classes, imageSize, heldOutFamily, training, weights, seed }: DemoRecipe) {
  return [
    ["pictures", `${scenes.train} scenes of ${imageSize} px, ${classes} classes, seed ${seed}`],
    ["validation", `${scenes.val} unseen scenes, ${scenes.heldOut} with icons of ${heldOutFamily} only`],
    ...Object.entries(training).map(([name, value]) => [name, String(value)] as const),
    ["weights shown", weights === "ema" ? "moving average" : "regular"],
  ] as const;
}

/** Epochs without a measured mAP are left out. */
function epochRecord(row: MetricsRow): readonly EpochRecord[] {
  const { epoch, loss, mAP, mAP_EMA: mAPEma } = row;
  if (epoch === undefined || loss === undefined || mAP === undefined || mAPEma === undefined) return [];
  return [epoch, mAP, mAPEma].every(Number.isFinite) ? [{ epoch, loss, mAP, mAPEma }] : [];
}

async function sceneRecords({ scenes, inferences }: ReportMaterial): Promise<readonly SceneRecord[]> {
  const records: SceneRecord[] = [];
  for (const split of ["unseen", "heldOut"] as const) {
    const { pictures, annotations } = split === "unseen" ? scenes.val : scenes.heldOut;
    const dataset = await openCoco({ pictures, annotations });
    for (const { image, labels, scores } of inferences) {
      if (path.dirname(path.resolve(image)) !== path.resolve(pictures)) continue;
      const predicted = new Set(labels.map(({ name }) => name));
      records.push({
        name: path.basename(image),
        split,
        picture: await dataUri(image),
        tags: compareTags(scores, predicted, truthOf(dataset, path.basename(image))),
      });
    }
  }
  return records;
}

function truthOf(dataset: CocoDataset, name: string): ReadonlySet<string> {
  const item = dataset.items.find((each) => path.basename(each.file) === name);
  return new Set(item?.labels.map((label) => dataset.classes[label]!));
}

async function dataUri(file: string): Promise<string> {
  const type = path.extname(file) === ".png" ? "image/png" : "image/jpeg";
  return `data:${type};base64,${(await readFile(file)).toString("base64")}`;
}

import { basename, join, resolve } from "node:path";
import { InputError } from "asl-core";
import { DEFAULT_THRESHOLD, loadPredictions, type Predictions, RUN_FILES } from "asl-training";
import { html } from "../page/html.js";
import { pageData, renderPage } from "../page/page.js";
import { type ValidationData, validationData } from "./report-data.js";
import { isThere, textIfThere } from "./run-files.js";
import { type RunLogs, readRunLogs } from "./run-logs.js";
import { trainingSection } from "./training-section.js";
import { section, VALIDATION_STYLE, validationSections } from "./validation-sections.js";

export interface ReportOptions {
  /** The picture file by the name that the predictions have; without it the page shows no pictures. */
  readonly fileOf?: (picture: string) => string | undefined;
}

/** What a report's page holds as JSON (`reportData`). */
export interface ReportData {
  /** Of a run's folder; null for predictions alone. */
  readonly training: (RunLogs & { readonly recipe: Recipe | null }) | null;
  /** Null before the first evaluation, and without validation pictures. */
  readonly validation: ValidationData | null;
}

type Recipe = Readonly<Record<string, unknown>>;

/**
 * The page of a training run, from its folder: logs, recipe, and the predictions of the best averaged weights, as far
 * as they are there. Throws RunDirectoryError when there is no such folder, and an error of the file system or
 * PredictionsError for files that cannot be read.
 */
export async function runReport(folder: string, { fileOf }: ReportOptions = {}): Promise<string> {
  const logs = await readRunLogs(folder);
  const recipe = await recipeIn(folder);
  const predictions = await predictionsIn(folder);
  const threshold = predictions?.thresholds ?? DEFAULT_THRESHOLD;
  const validation = predictions === undefined ? null : await validationData(predictions, threshold, fileOf);
  const data: ReportData = { training: { ...logs, recipe }, validation };
  return reportPage(`Training run ${basename(resolve(folder))}`, data);
}

/** The page of one set of predictions. */
export async function validationPage(
  predictions: Predictions,
  threshold: number | readonly number[],
  { title, fileOf }: ReportOptions & { readonly title: string },
): Promise<string> {
  return reportPage(title, { training: null, validation: await validationData(predictions, threshold, fileOf) });
}

/** All figures of a page of `runReport` or `validationPage`. Throws InputError for any other page. */
export function reportData(page: string): ReportData {
  const data = pageData(page);
  if (typeof data === "object" && data !== null && "training" in data && "validation" in data) {
    return data as ReportData;
  }
  throw new InputError(
    "reportData: the page holds no training and validation; expected one of runReport or validationPage",
  );
}

function reportPage(title: string, data: ReportData): string {
  const { training, validation } = data;
  const figures = [...(validation === null ? [] : validationFigures(validation)), ...trainingFigures(training)];
  const body = html`<header><h1>${title}</h1>
<dl class="figures">${figures.map(
    ({ label, value, note }) =>
      html`<div><dt>${label}</dt><dd class="value">${value}</dd><dd class="note">${note}</dd></div>`,
  )}</dl></header>
<main>
${training === null ? [] : section("training", "Training", trainingSection(training, { adaptive: lossOf(training.recipe) === "asl-adaptive" }))}
${validation === null ? html`<p>No validation yet, so there is nothing to say about classes and pictures.</p>` : validationSections(validation)}
${training?.recipe == null ? [] : section("recipe", "Recipe", recipeList(training.recipe))}
</main>`;
  return renderPage({ title, style: VALIDATION_STYLE, body, data });
}

interface Figure {
  readonly label: string;
  readonly value: string;
  readonly note: string;
}

function validationFigures({ metrics, classes }: ValidationData): readonly Figure[] {
  const { mAP, mAPPresent, CF1, OF1, threshold, images } = metrics;
  const at = typeof threshold === "number" ? `at threshold ${threshold}` : "each class at its own threshold";
  const occur = classes.filter(({ positives }) => positives > 0).length;
  return [
    { label: "mAP", value: mAP.toFixed(2), note: `percent, over ${classes.length} classes` },
    ...(occur === classes.length
      ? []
      : [{ label: "mAP of classes that occur", value: mAPPresent.toFixed(2), note: `${occur} classes` }]),
    { label: "CF1", value: CF1.toFixed(2), note: `mean of the classes, ${at}` },
    { label: "OF1", value: OF1.toFixed(2), note: `over all, ${at}` },
    { label: "Pictures", value: images.toLocaleString("en"), note: "validated" },
  ];
}

function trainingFigures(training: ReportData["training"]): readonly Figure[] {
  const last = training?.steps.at(-1);
  if (training == null || last === undefined) return [];
  const epochs = training.epochs.at(-1)?.epoch ?? 0;
  return [{ label: "Training", value: `${epochs}`, note: `epochs done, ${last.step.toLocaleString("en")} steps` }];
}

/** The recipe's settings, those of nested objects with their path. */
function recipeList(recipe: Recipe) {
  const flat = (value: unknown, path: string): (readonly [string, string])[] => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return [[path, textOf(value)]];
    return Object.entries(value).flatMap(([name, inner]) => flat(inner, path === "" ? name : `${path}.${name}`));
  };
  const entries = flat(recipe, "").filter(([name]) => name !== "classNames");
  return html`<div class="panel"><dl class="recipe">${entries.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></div>`;
}

function textOf(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 197)}...` : text;
}

function lossOf(recipe: Recipe | null): unknown {
  const inner = recipe?.recipe;
  return typeof inner === "object" && inner !== null && "loss" in inner ? inner.loss : undefined;
}

async function recipeIn(folder: string): Promise<Recipe | null> {
  const text = await textIfThere(join(folder, RUN_FILES.recipe));
  return text === undefined ? null : (JSON.parse(text) as Recipe);
}

async function predictionsIn(folder: string): Promise<Predictions | undefined> {
  const file = join(folder, RUN_FILES.predictionsEma);
  return (await isThere(file)) ? await loadPredictions(file) : undefined;
}

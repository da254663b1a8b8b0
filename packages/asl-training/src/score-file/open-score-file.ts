import { type ElementType, type MatrixLayout, matrixLayouts, openSafetensors, rawMatrixLayout } from "asl-checkpoint";
import { PredictionsError } from "../errors.js";
import { FORMAT_KEY, strings, thresholdsOf } from "../predictions-file.js";
import { SCORE_NAME, TARGET_NAME } from "../predictions-npz.js";
import { sparseTargets } from "./sparse-targets.js";
import { maskedTargets, matrixTargets, type TargetColumns } from "./targets.js";

export interface OpenScoreFileOptions {
  /** Name of the score matrix, if it is not obvious. */
  readonly scoresKey?: string;
  readonly targetsKey?: string;
  /** Shape and element type of a file of bare numbers. */
  readonly raw?: { readonly rows: number; readonly columns: number; readonly elementType: ElementType };
  /** A file of its own for the targets: .npy, .npz, safetensors or .csv. */
  readonly targets?: string;
  /** A matrix that is 1 where a target is annotated. */
  readonly annotated?: string;
  /** Names for `count` classes. */
  readonly nameClasses: (count: number, stored: readonly string[] | null) => readonly string[];
  /** Names of the rows, for a .csv of targets that names pictures. */
  readonly pictures?: readonly string[];
  /** What the pairs are that a .csv does not list. */
  readonly unlisted?: "negative" | "unannotated";
}

export interface ScoreFile extends Disposable {
  readonly scores: MatrixLayout;
  readonly targets: TargetColumns;
  readonly classNames: readonly string[];
  /** Those that were saved with the scores. */
  readonly thresholds?: number | readonly number[];
}

/**
 * Finds scores and targets without reading them: a file of `savePredictions`, a .npy, an uncompressed .npz, any
 * safetensors file, or bare numbers.
 * @throws PredictionsError when they cannot be told or do not fit together; CheckpointError for a damaged file
 */
export async function openScoreFile(file: string, options: OpenScoreFileOptions): Promise<ScoreFile> {
  const layouts = options.raw === undefined ? await matrixLayouts(file) : [await rawMatrixLayout(file, options.raw)];
  const scores = chosen(file, "scores", layouts, options.scoresKey, ({ name, elementType }) => {
    return name !== options.targetsKey && (elementType === "F32" || elementType === "F16");
  });
  if (scores.rows * scores.columns === 0) throw new PredictionsError(file, `scores "${scores.name}" are empty`);
  const { stored, ...thresholds } = await described(file, options.raw);
  const classNames = options.nameClasses(scores.columns, stored);
  if (classNames.length !== scores.columns) {
    throw new PredictionsError(file, `${scores.columns} classes, but ${classNames.length} class names were given`);
  }
  const targets = await openTargets(scores, layouts, classNames, options);
  const annotated = await openAnnotated(scores, options);
  const both = annotated === undefined ? targets : maskedTargets(targets, annotated);
  return { scores, targets: both, classNames, ...thresholds, [Symbol.dispose]: () => both[Symbol.dispose]() };
}

async function openTargets(
  scores: MatrixLayout,
  layouts: readonly MatrixLayout[],
  classNames: readonly string[],
  options: OpenScoreFileOptions,
): Promise<TargetColumns> {
  const { targets: file, targetsKey, pictures, unlisted } = options;
  if (file !== undefined && /\.csv$/i.test(file)) {
    return await sparseTargets(file, {
      rows: scores.rows,
      classNames,
      ...(pictures === undefined ? {} : { pictures }),
      ...(unlisted === undefined ? {} : { unlisted }),
    });
  }
  const candidates = file === undefined ? layouts.filter((layout) => layout !== scores) : await matrixLayouts(file);
  if (candidates.length === 0) {
    throw new PredictionsError(scores.file, "holds scores but no targets; name their file with --targets");
  }
  const layout = chosen(file ?? scores.file, "targets", candidates, targetsKey, ({ rows }) => rows === scores.rows);
  return matrixTargets(layout, scores.rows, scores.columns);
}

async function openAnnotated(scores: MatrixLayout, { annotated }: OpenScoreFileOptions) {
  if (annotated === undefined) return undefined;
  const layout = chosen(annotated, "annotated", await matrixLayouts(annotated), undefined, () => true);
  return matrixTargets(layout, scores.rows, scores.columns);
}

/** What `savePredictions` put into the metadata of a safetensors file; nothing for files of others. */
async function described(
  file: string,
  raw: OpenScoreFileOptions["raw"],
): Promise<Pick<ScoreFile, "thresholds"> & { readonly stored: readonly string[] | null }> {
  if (raw !== undefined || /\.np[yz]$/i.test(file)) return { stored: null };
  await using opened = await openSafetensors(file);
  const { metadata } = opened;
  if (metadata[FORMAT_KEY] === undefined) return { stored: null };
  return { stored: strings(file, metadata, "classNames"), ...thresholdsOf(file, metadata) };
}

const NAMES = { scores: SCORE_NAME, targets: TARGET_NAME, annotated: /annotated|mask|known/i } as const;

function chosen(
  file: string,
  what: keyof typeof NAMES,
  layouts: readonly MatrixLayout[],
  key: string | undefined,
  fits: (layout: MatrixLayout) => boolean,
): MatrixLayout {
  const found = `it has ${layouts.map(({ name, elementType, rows, columns }) => `${name || "one matrix,"} ${elementType}[${rows},${columns}]`).join(", ") || "no matrix"}`;
  if (key !== undefined) {
    const named = layouts.find(({ name }) => name === key);
    if (named !== undefined) return named;
    throw new PredictionsError(file, `no two-dimensional array of numbers is called "${key}"; ${found}`);
  }
  const candidates = layouts.filter(fits);
  const wellNamed = candidates.filter(({ name }) => NAMES[what].test(name));
  const [only, ...others] = candidates.length > 1 && wellNamed.length > 0 ? wellNamed : candidates;
  if (only !== undefined && others.length === 0) return only;
  const why = only === undefined ? "no array looks like" : "more than one array could be";
  const advice = what === "annotated" ? "" : `. Name it with --${what}-key`;
  throw new PredictionsError(file, `${why} the ${what}; ${found}${advice}`);
}

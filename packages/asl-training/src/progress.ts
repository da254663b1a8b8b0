import type { JsonObject, JsonValue } from "asl-checkpoint";
import { RunDirectoryError } from "./errors.js";

/** The best evaluation so far of one kind of weights. */
export interface BestEvaluation {
  readonly epoch: number;
  readonly mAP: number;
}

/** Where a training run stands, beside the state of its session. */
export interface TrainingProgress {
  /** The epoch that is going on, from 0; equal to the recipe's epochs when all is done. */
  readonly epoch: number;
  /** First batch of the epoch that is not done; the number of batches when only the evaluation is left. */
  readonly nextBatch: number;
  /** Steps done since the beginning. */
  readonly step: number;
  /** Of the epoch that is going on. */
  readonly epochLoss: { readonly sum: number; readonly steps: number };
  /** Training time since the beginning, evaluation not counted, and the pictures trained on in it. */
  readonly trainingSeconds: number;
  readonly images: number;
  /** All time since the beginning, evaluation and saving included. */
  readonly seconds: number;
  /** Of the next step; moves when the loss adapts it. */
  readonly gammaNeg: number;
  /** Steps that have trained the head alone. */
  readonly frozenSteps: number;
  readonly best: BestEvaluation | null;
  readonly bestEma: BestEvaluation | null;
}

export const AT_START: TrainingProgress = {
  epoch: 0,
  nextBatch: 0,
  step: 0,
  epochLoss: { sum: 0, steps: 0 },
  trainingSeconds: 0,
  images: 0,
  seconds: 0,
  gammaNeg: 0,
  frozenSteps: 0,
  best: null,
  bestEma: null,
};

export function progressToJson(progress: TrainingProgress): JsonObject {
  const best = (value: BestEvaluation | null): JsonValue => (value === null ? null : { ...value });
  return {
    ...progress,
    epochLoss: { ...progress.epochLoss },
    best: best(progress.best),
    bestEma: best(progress.bestEma),
  };
}

/** Throws RunDirectoryError naming the first field that is not as `progressToJson` wrote it. */
export function progressFromJson(file: string, json: JsonObject): TrainingProgress {
  const number = (object: JsonObject, field: string): number => {
    const value = object[field];
    if (typeof value === "number") return value;
    throw new RunDirectoryError(file, `progress "${field}" should be a number; found ${JSON.stringify(value)}`);
  };
  const object = (field: string): JsonObject => {
    const value = json[field];
    if (isObject(value)) return value;
    throw new RunDirectoryError(file, `progress "${field}" should be an object; found ${JSON.stringify(value)}`);
  };
  const best = (field: string): BestEvaluation | null =>
    json[field] === null ? null : { epoch: number(object(field), "epoch"), mAP: number(object(field), "mAP") };
  return {
    epoch: number(json, "epoch"),
    nextBatch: number(json, "nextBatch"),
    step: number(json, "step"),
    epochLoss: { sum: number(object("epochLoss"), "sum"), steps: number(object("epochLoss"), "steps") },
    trainingSeconds: number(json, "trainingSeconds"),
    images: number(json, "images"),
    seconds: number(json, "seconds"),
    gammaNeg: number(json, "gammaNeg"),
    frozenSteps: number(json, "frozenSteps"),
    best: best("best"),
    bestEma: best("bestEma"),
  };
}

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * A run goes on only with what it began with.
 * @throws RunDirectoryError listing every field that differs, before and now
 */
export function checkSameSetup(file: string, before: JsonValue | undefined, now: JsonObject): void {
  const differences = isObject(before) ? differencesOf(before, now, "") : ["its setup is not recorded"];
  if (differences.length === 0) return;
  throw new RunDirectoryError(
    file,
    `the run cannot go on with other settings than it began with: ${differences.join("; ")}. ` +
      "Repeat the settings of the first start, or start anew in another folder",
  );
}

function differencesOf(before: JsonObject, now: JsonObject, path: string): string[] {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return fields.flatMap((field) => {
    const [was, is] = [before[field], now[field]];
    if (isObject(was) && isObject(is)) return differencesOf(was, is, `${path}${field}.`);
    const [wasText, isText] = [JSON.stringify(was), JSON.stringify(is)];
    return wasText === isText ? [] : [`${path}${field} was ${shortened(wasText)}, now ${shortened(isText)}`];
  });
}

const shortened = (text: string | undefined) =>
  text === undefined ? "not set" : text.length > 80 ? `${text.slice(0, 77)}...` : text;

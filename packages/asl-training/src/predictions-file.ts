import { open } from "node:fs/promises";
import { CheckpointError, readSafetensors, writeSafetensors } from "asl-checkpoint";
import { f32, formatType, type TensorData } from "asl-core";
import { PredictionsError } from "./errors.js";
import { checkPredictionSizes, type Predictions } from "./predictions.js";
import { type NpzKeys, readNpzPredictions } from "./predictions-npz.js";

const VERSION = "1";
export const FORMAT_KEY = "asl.predictions";

/**
 * Writes predictions as a safetensors file: tensors "scores" and "targets", [pictures, classes]; class names, picture
 * names and thresholds as JSON in its metadata. As a whole or not at all.
 */
export async function savePredictions(file: string, predictions: Predictions): Promise<void> {
  checkPredictionSizes(predictions);
  const { classNames, pictures, scores, targets, thresholds } = predictions;
  const shape = [pictures.length, classNames.length];
  await writeSafetensors(
    file,
    { tensors: { scores: f32(shape, scores), targets: f32(shape, targets) } },
    {
      digest: true,
      metadata: {
        [FORMAT_KEY]: VERSION,
        classNames: JSON.stringify(classNames),
        pictures: JSON.stringify(pictures),
        ...(thresholds === undefined ? {} : { thresholds: JSON.stringify(thresholds) }),
      },
    },
  );
}

export interface LoadPredictionsOptions extends NpzKeys {
  /** Names for the classes of an .npz, which has none; default "class 0", "class 1", ... */
  readonly nameClasses?: (count: number) => readonly string[];
}

/**
 * Reads predictions that `savePredictions` wrote, or an .npz with a score and a label matrix; told apart by content.
 * @throws PredictionsError when the file holds something else; CheckpointError when it is missing or damaged
 */
export async function loadPredictions(file: string, options: LoadPredictionsOptions = {}): Promise<Predictions> {
  if (await isZip(file)) return await readNpzPredictions(file, options, options.nameClasses ?? numbered);
  const { tensors, metadata } = await readSafetensors(file);
  if (metadata[FORMAT_KEY] !== VERSION) {
    throw new PredictionsError(
      file,
      metadata[FORMAT_KEY] === undefined
        ? "this safetensors file holds no predictions. Expected a file of --save-predictions, or an .npz"
        : `predictions of version ${metadata[FORMAT_KEY]}; this program reads version ${VERSION}`,
    );
  }
  const classNames = strings(file, metadata, "classNames");
  const pictures = strings(file, metadata, "pictures");
  const matrix = (name: string) => matrixOf(file, name, tensors[name], [pictures.length, classNames.length]);
  return {
    classNames,
    pictures,
    scores: matrix("scores"),
    targets: matrix("targets"),
    ...thresholdsOf(file, metadata),
  };
}

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `class ${index}`);

/** The first two bytes of a zip archive are "PK". */
async function isZip(file: string): Promise<boolean> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, "r");
  } catch (error) {
    throw new CheckpointError(file, "cannot be opened: no such file, or no permission to read it", { cause: error });
  }
  try {
    const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return buffer.toString("latin1") === "PK";
  } finally {
    await handle.close();
  }
}

function matrixOf(file: string, name: string, tensor: TensorData | undefined, shape: readonly number[]): Float32Array {
  const expected = formatType({ dtype: "f32", shape });
  if (tensor === undefined) throw new PredictionsError(file, `tensor "${name}" ${expected} is missing`);
  if (formatType(tensor.type) !== expected) {
    throw new PredictionsError(file, `tensor "${name}" should be ${expected}; found ${formatType(tensor.type)}`);
  }
  return tensor.data instanceof Float32Array ? tensor.data : Float32Array.from(tensor.data);
}

export function strings(file: string, metadata: Readonly<Record<string, string>>, key: string): readonly string[] {
  const value = json(file, metadata, key);
  if (Array.isArray(value) && value.every((item): item is string => typeof item === "string")) return value;
  throw new PredictionsError(file, `metadata "${key}" should be a list of strings`);
}

export function thresholdsOf(
  file: string,
  metadata: Readonly<Record<string, string>>,
): Pick<Predictions, "thresholds"> {
  if (metadata.thresholds === undefined) return {};
  const value = json(file, metadata, "thresholds");
  const isNumber = (item: unknown): item is number => typeof item === "number";
  if (isNumber(value) || (Array.isArray(value) && value.every(isNumber))) return { thresholds: value };
  throw new PredictionsError(file, 'metadata "thresholds" should be a number or a list of numbers');
}

function json(file: string, metadata: Readonly<Record<string, string>>, key: string): unknown {
  try {
    return JSON.parse(metadata[key] ?? "null");
  } catch (error) {
    throw new PredictionsError(file, `metadata "${key}" is no JSON`, { cause: error });
  }
}

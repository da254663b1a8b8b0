import { InputError } from "asl-core";

/** All that is needed to use a classifier's ONNX file without its checkpoint. */
export interface ClassifierMetadata {
  /** Class names, in the order of the logits. */
  readonly labels: readonly string[];
  /** Score above which a class counts as present: one for all, or one per class. */
  readonly thresholds: number | readonly number[];
  /** How the thresholds were calibrated, if they were. */
  readonly thresholdCalibration?: string | undefined;
  /** Side of the square input in pixels. */
  readonly imageSize: number;
  readonly resizeFilter: "bicubic" | "bilinear";
  readonly modelVariant: string;
  readonly modelArchitecture: object;
  readonly trainingRecipe: object;
  /** Null when it is not known. */
  readonly trainingStep: number | null;
  readonly trainingEpoch: number | null;
  readonly trainingMetrics: object;
  readonly weights: "regular" | "ema";
}

/** What has to be known to prepare a picture and to name the scores. */
export type ParsedClassifierMetadata = Partial<
  Pick<ClassifierMetadata, "labels" | "thresholds" | "thresholdCalibration" | "imageSize" | "resizeFilter">
>;

/** The metadata_props of an exported file, a public format. Lists and objects are JSON. */
export function encodeClassifierMetadata(metadata: ClassifierMetadata): Readonly<Record<string, string>> {
  const { imageSize: size, resizeFilter: filter } = metadata;
  return {
    labels: JSON.stringify(metadata.labels),
    thresholds: JSON.stringify(metadata.thresholds),
    ...(metadata.thresholdCalibration === undefined ? {} : { threshold_calibration: metadata.thresholdCalibration }),
    image_size: String(size),
    resize_filter: filter,
    preprocessing: `RGB squeezed to ${size} x ${size} (${filter}, antialiased), value / 255, no mean or std; f32[batch,3,${size},${size}]`,
    postprocessing: "score = sigmoid(logit) for each class by itself; a class is present above its threshold",
    model_variant: metadata.modelVariant,
    model_architecture: JSON.stringify(metadata.modelArchitecture),
    training_recipe: JSON.stringify(metadata.trainingRecipe),
    training_step: String(metadata.trainingStep ?? ""),
    training_epoch: String(metadata.trainingEpoch ?? ""),
    training_metrics: JSON.stringify(metadata.trainingMetrics),
    weights: metadata.weights,
  };
}

/**
 * Reads the metadata_props of a file of any origin; keys that are missing are left out. Throws InputError naming file
 * and key for a value that does not make sense: a wrong label or size would silently give wrong tags.
 */
export function parseClassifierMetadata(
  file: string,
  metadata: Readonly<Record<string, string>>,
): ParsedClassifierMetadata {
  const fail = (key: string, expected: string): never => {
    throw new InputError(`${file}: its metadata "${key}" should be ${expected}; found ${shorten(metadata[key]!)}`);
  };
  const { labels, thresholds, image_size: size, resize_filter: filter } = metadata;
  return {
    ...(labels === undefined ? {} : { labels: parseLabels(labels) ?? fail("labels", "a JSON array of names") }),
    ...(thresholds === undefined
      ? {}
      : {
          thresholds:
            parseThresholds(thresholds) ?? fail("thresholds", "a number from 0 to 1, or a JSON array of them"),
        }),
    ...(metadata.threshold_calibration === undefined ? {} : { thresholdCalibration: metadata.threshold_calibration }),
    ...(size === undefined ? {} : { imageSize: parseSize(size) ?? fail("image_size", "a number of pixels") }),
    ...(filter === undefined
      ? {}
      : { resizeFilter: parseFilter(filter) ?? fail("resize_filter", '"bicubic" or "bilinear"') }),
  };
}

function parseLabels(text: string): readonly string[] | undefined {
  const value = parse(text);
  return Array.isArray(value) && value.every((label) => typeof label === "string") ? value : undefined;
}

function parseThresholds(text: string): number | readonly number[] | undefined {
  const value = parse(text);
  const isThreshold = (each: unknown): each is number => typeof each === "number" && each >= 0 && each <= 1;
  if (isThreshold(value)) return value;
  return Array.isArray(value) && value.every(isThreshold) ? value : undefined;
}

function parseSize(text: string): number | undefined {
  const value = Number(text);
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

function parseFilter(text: string): "bicubic" | "bilinear" | undefined {
  return text === "bicubic" || text === "bilinear" ? text : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const shorten = (text: string) => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);

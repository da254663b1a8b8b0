import { CheckpointError, causeOf } from "../errors.js";
import type { BlockKind, TresnetArchitecture, TresnetVariant } from "../tresnet/architecture.js";
import type { JsonObject } from "./json.js";

/** What a checkpoint of this project says about itself, beside its tensors. */
export interface CheckpointMetadata {
  readonly model: TresnetArchitecture & { readonly numClasses: number };
  /** As many as the model has classes. */
  readonly classNames: readonly string[];
  /** Probability above which a class counts as present: one for all, or one per class. */
  readonly thresholds: number | readonly number[];
  /** Pixels of the square input. */
  readonly imageSize: number;
  readonly resizeFilter: "bicubic" | "bilinear";
  /** How it was trained, as the trainer wrote it. */
  readonly recipe: JsonObject;
  readonly step: number;
  readonly epoch: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** How the thresholds were chosen, where they were calibrated: "f1 on 800 pictures". */
  readonly calibration?: string;
  /** Which of the two sets of weights a training run has. */
  readonly weights: "regular" | "ema";
}

const VERSION = 1;

export function encodeMetadata(file: string, metadata: CheckpointMetadata): string {
  const text = JSON.stringify({ version: VERSION, ...metadata });
  parseMetadata(file, text); // What cannot be read back is refused before it is written.
  return text;
}

/** @throws CheckpointError naming the first field that is not as it should be */
export function parseMetadata(file: string, text: string): CheckpointMetadata {
  const root = new Fields(file, "metadata", parseJson(file, text));
  const version = root.natural("version");
  if (version !== VERSION) {
    throw new CheckpointError(file, `checkpoint metadata of version ${version}; this program reads version ${VERSION}`);
  }
  const model = parseModel(root.object("model"));
  const classNames = root.strings("classNames");
  if (classNames.length !== model.numClasses) {
    throw root.fault("classNames", `${model.numClasses} names, one per class`, `${classNames.length}`);
  }
  return {
    model,
    classNames,
    thresholds: parseThresholds(root, model.numClasses),
    imageSize: root.positive("imageSize"),
    resizeFilter: root.oneOf("resizeFilter", ["bicubic", "bilinear"]),
    recipe: root.json("recipe"),
    step: root.natural("step"),
    epoch: root.number("epoch"),
    metrics: root.numbersByName("metrics"),
    ...(root.get("calibration") === undefined ? {} : { calibration: root.text("calibration") }),
    weights: root.oneOf("weights", ["regular", "ema"]),
  };
}

function parseModel(model: Fields): CheckpointMetadata["model"] {
  const variants: readonly TresnetVariant[] = ["tresnet_m", "tresnet_l", "tresnet_xl", "tresnet_v2_l", "custom"];
  const kinds: readonly BlockKind[] = ["basic", "bottleneck"];
  const blocks = model.four("blocks", (value): value is number => isNatural(value) && value > 0);
  const stages = model.four("stages", (value): value is BlockKind => kinds.some((kind) => kind === value));
  const head = model.get("bottleneckHead");
  return {
    variant: model.oneOf("variant", variants),
    blocks,
    planes: model.positive("planes"),
    widthFactor: model.number("widthFactor"),
    stages,
    numClasses: model.positive("numClasses"),
    bottleneckHead: head === false ? false : { features: model.object("bottleneckHead").positive("features") },
  };
}

function parseThresholds(root: Fields, numClasses: number): number | readonly number[] {
  const value = root.get("thresholds");
  const isThreshold = (item: unknown): item is number => typeof item === "number" && item >= 0 && item <= 1;
  if (isThreshold(value)) return value;
  if (Array.isArray(value) && value.length === numClasses && value.every(isThreshold)) return value;
  throw root.fault("thresholds", `a number from 0 to 1, or ${numClasses} of them`, shown(value));
}

function parseJson(file: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CheckpointError(file, `its metadata is no JSON (${causeOf(error)})`, { cause: error });
  }
  if (!isRecord(value)) throw new CheckpointError(file, `its metadata is ${shown(value)} instead of an object`);
  return value;
}

/** Typed access to the fields of a JSON object, with errors that name file, path, expectation and finding. */
class Fields {
  readonly #file: string;
  readonly #path: string;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(file: string, path: string, values: Readonly<Record<string, unknown>>) {
    this.#file = file;
    this.#path = path;
    this.#values = values;
  }

  fault(key: string, expected: string, found: string): CheckpointError {
    return new CheckpointError(this.#file, `${this.#path}.${key} should be ${expected}; found ${found}`);
  }

  get(key: string): unknown {
    return Object.hasOwn(this.#values, key) ? this.#values[key] : undefined;
  }

  object(key: string): Fields {
    return new Fields(this.#file, `${this.#path}.${key}`, this.json(key));
  }

  json(key: string): JsonObject {
    return this.#checked(key, "an object", isJsonObject);
  }

  number(key: string): number {
    return this.#checked(key, "a number", isFiniteNumber);
  }

  natural(key: string): number {
    return this.#checked(key, "a whole number from 0 on", isNatural);
  }

  positive(key: string): number {
    return this.#checked(key, "a whole number from 1 on", (value): value is number => isNatural(value) && value > 0);
  }

  text(key: string): string {
    return this.#checked(key, "a string", (value): value is string => typeof value === "string");
  }

  strings(key: string): readonly string[] {
    return this.#checked(
      key,
      "a list of strings",
      (value): value is string[] => Array.isArray(value) && value.every((item) => typeof item === "string"),
    );
  }

  numbersByName(key: string): Readonly<Record<string, number>> {
    return this.#checked(
      key,
      "an object of numbers",
      (value): value is Record<string, number> => isRecord(value) && Object.values(value).every(isFiniteNumber),
    );
  }

  oneOf<Choice extends string>(key: string, choices: readonly Choice[]): Choice {
    return this.#checked(key, choices.map((choice) => `"${choice}"`).join(" or "), (value): value is Choice =>
      choices.some((choice) => choice === value),
    );
  }

  four<Item>(key: string, check: (value: unknown) => value is Item): readonly [Item, Item, Item, Item] {
    return this.#checked(
      key,
      "a list of four",
      (value): value is [Item, Item, Item, Item] => Array.isArray(value) && value.length === 4 && value.every(check),
    );
  }

  #checked<Value>(key: string, expected: string, check: (value: unknown) => value is Value): Value {
    const value = this.get(key);
    if (check(value)) return value;
    throw this.fault(key, expected, shown(value));
  }
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isNatural(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** It came out of JSON.parse, so an object holds JSON. */
function isJsonObject(value: unknown): value is JsonObject {
  return isRecord(value);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

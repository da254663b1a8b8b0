import { readFileSync } from "node:fs";
import * as v from "valibot";
import { ZooError } from "./errors.js";

const positive = v.pipe(v.number(), v.integer(), v.minValue(1));
const url = v.pipe(v.string(), v.url(), v.startsWith("https://"));
const rgb = v.tuple([v.number(), v.number(), v.number()]);

/** A fact that its source does not say is null. */
const MODEL = v.strictObject({
  /** What --model and --weights call it. */
  name: v.pipe(v.string(), v.regex(/^[a-z0-9_]+(\.[a-z0-9_]+)?$/)),
  variant: v.picklist(["tresnet_m", "tresnet_l", "tresnet_xl", "tresnet_v2_l"]),
  /** Features of the bottleneck head; null: a linear head. */
  headFeatures: v.nullable(positive),
  /** single-label: trained for exactly one class per picture; a backbone to start from. */
  task: v.picklist(["multi-label", "single-label"]),
  dataset: v.string(),
  classes: positive,
  /** Side of the square input in pixels. */
  imageSize: v.pipe(positive, v.multipleOf(4)),
  /** As its source publishes it. */
  metric: v.nullable(v.strictObject({ name: v.string(), percent: v.pipe(v.number(), v.minValue(0), v.maxValue(100)) })),
  preprocessing: v.strictObject({
    /** squish: to the square, whatever the shape; crop: the shorter side to imageSize / cropFraction, then the middle. */
    resize: v.picklist(["squish", "crop"]),
    filter: v.picklist(["bilinear", "bicubic"]),
    cropFraction: v.nullable(v.number()),
    /** Of pixels in [0, 1]. */
    mean: rgb,
    std: rgb,
  }),
  url,
  bytes: v.nullable(positive),
  sha256: v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  /** SPDX identifier: of the weights where they have one, else of the repository that publishes them. */
  license: v.nullable(v.string()),
  /** Where these facts are from. */
  source: url,
});

const TABLE = v.pipe(
  v.array(MODEL),
  v.check((models) => new Set(models.map(({ name }) => name)).size === models.length, "names must differ"),
);

/** A published model: facts, no weights. */
export type ZooModel = v.InferOutput<typeof MODEL>;

/** Checks a table's shape. Throws ZooError with the path of the first thing that is wrong. */
export function parseModels(json: unknown, file: string): readonly ZooModel[] {
  const result = v.safeParse(TABLE, json);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new ZooError(`${file}: ${v.getDotPath(issue) ?? "the table"}: ${issue.message}`);
}

const FILE = new URL("../models.json", import.meta.url);

/** The official ASL checkpoints, and timm's TResNets. */
export const ZOO_MODELS: readonly ZooModel[] = parseModels(JSON.parse(readFileSync(FILE, "utf8")), "models.json");

export const isZooName = (text: string): boolean => ZOO_MODELS.some(({ name }) => name === text);

/** Throws ZooError that suggests the nearest names. */
export function zooModel(name: string, models: readonly ZooModel[] = ZOO_MODELS): ZooModel {
  const found = models.find((model) => model.name === name);
  if (found !== undefined) return found;
  const wordsOf = (text: string) => text.toLowerCase().split(/[^a-z0-9]+/);
  const wanted = wordsOf(name);
  const shared = (other: string) => wordsOf(other).filter((word) => wanted.includes(word)).length;
  const near = [...models].sort((a, b) => shared(b.name) - shared(a.name)).slice(0, 3);
  throw new ZooError(
    `"${name}": no such file, and no model of this name; nearest: ${near.map((model) => model.name).join(", ")}. ` +
      "asl-infer --list-models shows all.",
  );
}

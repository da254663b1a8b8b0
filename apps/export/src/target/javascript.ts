import { readFile } from "node:fs/promises";
import path from "node:path";
import type { OpenedModel } from "asl-cli";

/** What a program has to know beside the .onnx file: in browsers ONNX Runtime does not give its metadata away. */
export interface TaggerDescription {
  readonly file: string;
  readonly variant: string;
  /** In the order of the scores. */
  readonly labels: readonly string[];
  /** One for all classes, or one for each. */
  readonly thresholds: number | readonly number[];
  readonly imageSize: number;
  readonly resizeFilter: "bicubic" | "bilinear";
}

const FILES = {
  web: ["web/index.html", "web/tagger.js", "shared/tags.js"],
  node: ["node/tag.mjs", "node/tagger.mjs", "node/package.json", "shared/tags.js"],
} as const;

/** The model with preprocessing in its graph, its description, and a program that uses both. */
export async function javascriptFolder(
  target: keyof typeof FILES,
  bytes: Uint8Array,
  model: OpenedModel,
): Promise<ReadonlyMap<string, Uint8Array | string>> {
  const { classNames: labels, thresholds, imageSize, resizeFilter, architecture } = model;
  const description: TaggerDescription = {
    ...{ file: "model.onnx", variant: architecture.variant, labels, thresholds, imageSize, resizeFilter },
  };
  const programs = FILES[target].map(async (source): Promise<[string, Uint8Array]> => {
    return [path.posix.basename(source), await readFile(new URL(`../../targets/${source}`, import.meta.url))];
  });
  return new Map<string, Uint8Array | string>([
    ["model.onnx", bytes],
    ["model.json", `${JSON.stringify(description, null, 2)}\n`],
    ...(await Promise.all(programs)),
  ]);
}

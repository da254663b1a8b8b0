import { readFile } from "node:fs/promises";
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
  web: ["index.html", "tagger.js"],
  node: ["tag.mjs", "tagger.mjs", "package.json"],
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
  const programs = FILES[target].map(async (name): Promise<[string, Uint8Array]> => {
    return [name, await readFile(new URL(`../../targets/${target}/${name}`, import.meta.url))];
  });
  return new Map<string, Uint8Array | string>([
    ["model.onnx", bytes],
    ["model.json", `${JSON.stringify(description, null, 2)}\n`],
    ...(await Promise.all(programs)),
  ]);
}

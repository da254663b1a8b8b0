import { statSync } from "node:fs";
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { fetchModel, isZooName, settingsFrom, ZOO_MODELS, type ZooModel, zooModel } from "asl-zoo";
import { type ArgumentParser, existingFile } from "./arguments.js";
import type { Reporter } from "./reporter.js";
import { formatTable } from "./table.js";

/** A checkpoint file, or the name of a published model. */
export const modelArgument: ArgumentParser<string> = (text) => {
  if (statSync(text, { throwIfNoEntry: false }) !== undefined) return existingFile(text);
  if (isZooName(text)) return text;
  throw new InvalidArgumentError(
    `Expected an existing file, or the name of a published model (asl-infer --list-models); got "${text}".`,
  );
};

export const cacheDirOption = () =>
  new Option("--cache-dir <folder>", "where published models are kept; default: ASL_CACHE, else the user's cache");
export const offlineOption = () => new Option("--offline", "never contact a server: published models from the cache");
export const mirrorOption = () =>
  new Option("--mirror <url>", "server to fetch published models from (also ASL_MIRROR, HF_ENDPOINT)");

export interface ZooOptions {
  readonly cacheDir?: string | undefined;
  readonly offline?: true | undefined;
  readonly mirror?: string | undefined;
  /** A training starts from the model: it need not have been trained for several classes a picture. */
  readonly startsTraining?: boolean | undefined;
}

export interface ResolvedModel {
  readonly file: string;
  /** Undefined for a file of the user's. */
  readonly published: ZooModel | undefined;
}

/**
 * The file of `--model` or `--weights`: its own path, or that of a published model, fetched on first use. A path that is
 * not there is left to what reads it; a mere name that is neither throws ZooError with the nearest names.
 */
export async function resolveModel(
  text: string,
  options: ZooOptions,
  { report, signal }: { readonly report: Reporter; readonly signal: AbortSignal },
): Promise<ResolvedModel> {
  if (statSync(text, { throwIfNoEntry: false }) !== undefined) return { file: text, published: undefined };
  if (PATH_LIKE.test(text)) return { file: text, published: undefined };
  const published = zooModel(text);
  const environment = settingsFrom(process.env);
  const settings = {
    ...environment,
    cacheFolder: options.cacheDir ?? environment.cacheFolder,
    offline: options.offline ?? environment.offline,
    mirror: options.mirror ?? environment.mirror,
  };
  let progress: ReturnType<Reporter["progress"]> | undefined;
  try {
    const { file, bytes, sha256, license, source } = await fetchModel(published, {
      settings,
      signal,
      onNote: report.note,
      onProgress: (done, total) => {
        progress ??= report.progress({ label: text, total: kilobytes(total ?? done), unit: "kB" });
        progress.update(kilobytes(done));
      },
    });
    report.note(`${text}: ${file} (${bytes} bytes, SHA-256 ${sha256.slice(0, 12)}...)`);
    report.note(`${text}: licence ${license ?? "not stated"}, see ${source}`);
    if (published.task === "single-label" && options.startsTraining !== true) {
      report.warn(
        `${text}: was trained to give each picture exactly one class (softmax, on the middle of the picture); the scores ` +
          "here are of every class by itself, on the whole picture. It is meant to start a training from: asl-train --weights",
      );
    }
    return { file, published };
  } finally {
    progress?.stop();
  }
}

/** What is a file's path, even where nothing is there. */
const PATH_LIKE = /[/\\]|\.(pth|pt|onnx|safetensors|npz)$/i;

const kilobytes = (bytes: number) => Math.ceil(bytes / 1000);

/** The table of published models for people. */
export function publishedModelsText(models: readonly ZooModel[] = ZOO_MODELS): string {
  const rows = models.map(({ name, variant, dataset, classes, imageSize, metric, license }) => [
    name,
    variant,
    dataset,
    String(classes),
    String(imageSize),
    metric === null ? "-" : `${metric.name} ${metric.percent.toFixed(1)}`,
    license ?? "-",
  ]);
  return formatTable(["name", "network", "trained on", "classes", "px", "published", "licence"], rows, [3, 4]);
}

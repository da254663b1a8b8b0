import { availableParallelism } from "node:os";
import { InputError } from "asl-core";
import type { AugmentationStep } from "../augment/augmentation.js";
import type { MixingStep } from "../augment/mixing.js";
import type { ResizeFilter } from "../resize.js";
import type { SkippedPicture } from "./batch.js";

/** Random changes of the pictures. They depend on the seed, the epoch and the picture (a mix: the batch), on no thread. */
export interface AugmentOptions {
  readonly seed: number;
  /** For each picture, in this order. */
  readonly steps: readonly AugmentationStep[];
  /** For each batch, at last. */
  readonly mixing?: MixingStep;
}

export interface LoaderOptions {
  /** Side S of the square that every picture is squeezed to, in pixels. */
  readonly imageSize: number;
  /** Rows N of every batch. */
  readonly batchSize: number;
  /** Default "bilinear". */
  readonly filter?: ResizeFilter;
  /** Default false: the dataset's order. With a seed every epoch has its own order. */
  readonly shuffle?: { readonly seed: number } | false;
  /** Default false. */
  readonly augment?: AugmentOptions | false;
  /** A last batch that is not full: "pad" (default) fills it with masked zero rows, "drop" leaves it out. */
  readonly lastBatch?: "pad" | "drop";
  /** Threads that prepare batches; 0 prepares them in the calling thread. Default: cores - 1, at most 4. */
  readonly workers?: number;
  /** Batches that are prepared or ready ahead of the one asked for. Default: 2 per worker, at least 2. */
  readonly prefetch?: number;
  /** "memory" keeps decoded and resized pictures (3 S^2 bytes each) for later epochs. Default "none". */
  readonly cache?: "none" | "memory";
  /** A picture that cannot be decoded: "fail" (default) throws its PictureError, "skip" leaves it out. */
  readonly onCorrupt?: "fail" | "skip";
  /** Told of every picture left out, in the order of the batches. */
  readonly onSkip?: (skipped: SkippedPicture) => void;
  /** Pictures with more pixels count as corrupt; default as in decodePicture. */
  readonly maxPixels?: number;
  /** Stops every epoch; iterating throws the signal's reason. */
  readonly signal?: AbortSignal;
}

type Defaulted = "filter" | "shuffle" | "augment" | "lastBatch" | "workers" | "prefetch" | "cache" | "onCorrupt";
export type ResolvedLoaderOptions = LoaderOptions & Required<Pick<LoaderOptions, Defaulted>>;

/** Fills in defaults. Throws InputError naming the option, what is expected and what was found. */
export function resolveLoaderOptions(options: LoaderOptions): ResolvedLoaderOptions {
  const workers = options.workers ?? Math.min(4, availableParallelism() - 1);
  const resolved: ResolvedLoaderOptions = {
    ...options,
    filter: options.filter ?? "bilinear",
    shuffle: options.shuffle ?? false,
    augment: options.augment ?? false,
    lastBatch: options.lastBatch ?? "pad",
    workers,
    prefetch: options.prefetch ?? Math.max(2, 2 * workers),
    cache: options.cache ?? "none",
    onCorrupt: options.onCorrupt ?? "fail",
  };
  integer("imageSize", resolved.imageSize, 1, 16_384);
  integer("batchSize", resolved.batchSize, 1, 1_000_000);
  integer("workers", resolved.workers, 0, 256);
  integer("prefetch", resolved.prefetch, 0, 10_000);
  if (resolved.maxPixels !== undefined) integer("maxPixels", resolved.maxPixels, 1, Number.MAX_SAFE_INTEGER);
  choice("filter", resolved.filter, ["bicubic", "bilinear"]);
  choice("lastBatch", resolved.lastBatch, ["pad", "drop"]);
  choice("cache", resolved.cache, ["none", "memory"]);
  choice("onCorrupt", resolved.onCorrupt, ["fail", "skip"]);
  for (const name of ["shuffle", "augment"] as const) {
    const value = resolved[name];
    if (value !== false && !Number.isSafeInteger(value.seed)) {
      throw new InputError(`loader: ${name}.seed must be an integer; got ${String(value.seed)}`);
    }
  }
  return resolved;
}

function integer(name: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new InputError(`loader: ${name} must be an integer in ${low} .. ${high}; got ${String(value)}`);
  }
}

function choice(name: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value)) {
    throw new InputError(`loader: ${name} must be one of ${choices.join(", ")}; got ${String(value)}`);
  }
}

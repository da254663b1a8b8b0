import { createRandom } from "asl-core";
import { augmentationOf } from "../augment/augmentation.js";
import { type MixableBatch, mixBatch } from "../augment/mixing.js";
import { writeTargets } from "../dataset.js";
import { decodePicture } from "../decode.js";
import { PictureError } from "../errors.js";
import { PackedItemList, type PackedItems } from "../packed-items.js";
import { type Picture, toTensor } from "../picture.js";
import { recyclePixels } from "../pixel-pool.js";
import type { ResizeFilter } from "../resize.js";
import type { BatchTask, PictureFailure, PreparedBatch } from "./batch.js";
import type { AugmentOptions } from "./options.js";
import { PictureCache, type PictureCacheMemory } from "./picture-cache.js";

/** All that preparing a batch depends on; plain data, so that it can be sent to a worker thread. */
export interface PreparerOptions {
  readonly items: PackedItems;
  /** How many there are. */
  readonly classes: number;
  readonly imageSize: number;
  readonly batchSize: number;
  readonly filter: ResizeFilter;
  readonly augment: AugmentOptions | false;
  readonly onCorrupt: "fail" | "skip";
  readonly maxPixels: number | undefined;
  readonly cache: PictureCacheMemory | undefined;
}

/** Pictures of a batch being read at a time (and decoded, if that is sharp's work) while the last is augmented. */
const LOOKAHEAD = 3;

/** Turns a list of dataset indices into tensors: decode, resize, augment, convert. */
export class BatchPreparer {
  readonly #options: PreparerOptions;
  readonly #items: PackedItemList;
  readonly #cache: PictureCache | undefined;
  readonly #augment: (picture: Picture, epoch: number, index: number) => Picture;

  constructor(options: PreparerOptions) {
    this.#options = options;
    this.#items = new PackedItemList(options.items);
    this.#cache = options.cache === undefined ? undefined : new PictureCache(options.cache);
    const { augment } = options;
    if (augment === false) {
      this.#augment = (picture) => picture;
    } else {
      const augmentation = augmentationOf(augment.steps);
      // The key holds no thread, batch or row: the same picture gets the same augmentation wherever it is prepared.
      this.#augment = (picture, epoch, index) =>
        augmentation(picture, createRandom(augment.seed, "augment", epoch, index));
    }
  }

  /** Throws PictureError for the first bad picture in row order unless bad pictures are skipped. */
  async prepare(task: BatchTask): Promise<PreparedBatch> {
    const { classes, imageSize, batchSize, onCorrupt } = this.#options;
    const rowSize = 3 * imageSize * imageSize;
    const images = new Float32Array(batchSize * rowSize);
    const targets = new Float32Array(batchSize * classes);
    const indices: number[] = [];
    const failures: PictureFailure[] = [];

    const reading: Promise<Picture>[] = [];
    for (let row = 0; row < task.indices.length; row++) {
      for (let ahead = row + reading.length; ahead < Math.min(row + LOOKAHEAD, task.indices.length); ahead++) {
        const started = this.#read(task.indices[ahead]!);
        // Awaited below, in row order; until then a failure must not count as unhandled.
        started.catch(() => undefined);
        reading.push(started);
      }
      const index = task.indices[row]!;
      let picture: Picture;
      try {
        picture = await reading.shift()!;
      } catch (thrown) {
        if (onCorrupt === "fail" || !(thrown instanceof PictureError)) throw thrown;
        failures.push({ index, file: thrown.file, reason: thrown.reason, message: thrown.message });
        continue;
      }
      const target = indices.length;
      const augmented = this.#augment(picture, task.epoch, index);
      toTensor(augmented, images, target * rowSize);
      if (augmented.data !== picture.data) recyclePixels(augmented.data);
      recyclePixels(picture.data);
      writeTargets(this.#items.at(index)!, targets, target * classes, classes);
      indices.push(index);
    }
    this.#mix(task, { images, targets, rows: indices.length, size: imageSize, classes });
    return { images, targets, indices, failures };
  }

  #mix({ epoch, number }: BatchTask, batch: MixableBatch): void {
    const { augment } = this.#options;
    if (augment === false || augment.mixing === undefined) return;
    mixBatch(batch, augment.mixing, createRandom(augment.seed, "mixing", epoch, number));
  }

  async #read(index: number): Promise<Picture> {
    const cached = this.#cache?.get(index);
    if (cached !== undefined) return cached;
    const { imageSize, filter, maxPixels } = this.#options;
    const resized = await decodePicture(this.#items.at(index)!.file, {
      resize: { width: imageSize, height: imageSize, filter },
      ...(maxPixels === undefined ? {} : { maxPixels }),
    });
    this.#cache?.set(index, resized);
    return resized;
  }
}

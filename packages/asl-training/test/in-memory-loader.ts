import { createRandom, f32, type TensorData } from "asl-core";
import type { Batch, Loader } from "asl-data";

export interface InMemoryOptions {
  readonly classes: readonly string[];
  readonly pictures: number;
  readonly imageSize: number;
  readonly batchSize: number;
  readonly shuffleSeed?: number;
  readonly lastBatch: "pad" | "drop";
  /** Nobody looked for this class on any picture. */
  readonly unannotated?: number;
}

/** A dataset of seeded noise whose brightness depends on the labels: there is something to learn, and no file. */
export function inMemoryLoader(options: InMemoryOptions): Loader {
  const { classes, pictures, imageSize, batchSize, shuffleSeed, lastBatch } = options;
  const random = createRandom(7, `pictures of ${pictures}`);
  const pixels = 3 * imageSize ** 2;
  const items = Array.from({ length: pictures }, () => {
    const labels = classes.map(() => (random.uniform() < 0.4 ? 1 : 0));
    const bright = labels.reduce<number>((sum, label, c) => sum + (label * (c + 1)) / classes.length ** 2, 0);
    return { labels, image: Float32Array.from({ length: pixels }, () => 0.5 * random.uniform() + 0.5 * bright) };
  });
  const full = pictures / batchSize;
  const batchesPerEpoch = lastBatch === "drop" ? Math.floor(full) : Math.ceil(full);

  const batchOf = (number: number, order: readonly number[]): Batch => {
    const indices = order.slice(number * batchSize, (number + 1) * batchSize);
    const images = new Float32Array(batchSize * pixels);
    const targets = new Float32Array(batchSize * classes.length);
    indices.forEach((index, row) => {
      images.set(items[index]!.image, row * pixels);
      targets.set(items[index]!.labels, row * classes.length);
      if (options.unannotated !== undefined) targets[row * classes.length + options.unannotated] = -1;
    });
    const shaped = (data: Float32Array, ...shape: number[]): TensorData => f32([batchSize, ...shape], data);
    return {
      number,
      images: shaped(images, 3, imageSize, imageSize),
      targets: shaped(targets, classes.length),
      mask: shaped(new Float32Array(batchSize).fill(1, 0, indices.length)),
      indices,
      names: indices.map((index) => `picture ${index}`),
    };
  };

  return {
    classes,
    itemCount: pictures,
    partial: options.unannotated !== undefined,
    batchesPerEpoch,
    async *epoch(epoch, { startBatch = 0 } = {}) {
      const order = Array.from({ length: pictures }, (_, index) => index);
      if (shuffleSeed !== undefined) createRandom(shuffleSeed, `epoch ${epoch}`).shuffle(order);
      for (let number = startBatch; number < batchesPerEpoch; number++) yield batchOf(number, order);
    },
    dispose: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

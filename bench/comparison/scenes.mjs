import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { writeFileAtomically } from "asl-cli";
import { createRandom } from "asl-core";
import { generateEmojiScenes, openCoco } from "asl-data";
import sharp from "sharp";

/** Draws emoji scenes into `folder`, or keeps those that are there. */
export async function drawScenes({ folder, split, scenes, families, settings, seed }, context) {
  const progress = context.report.progress({ label: path.basename(folder), total: scenes, unit: "scenes" });
  try {
    return await generateEmojiScenes({
      out: folder,
      split,
      scenes,
      seed,
      families,
      classes: settings.classes,
      imageSize: settings.imageSize,
      signal: context.signal,
      onProgress: (done) => progress.update(done),
    });
  } finally {
    progress.stop();
  }
}

/**
 * A dataset without a share of its positive labels: they become negatives, as when an annotator has missed them. What a
 * larger share removes holds all that a smaller one does. Also returns what was removed, by item.
 */
export function withoutLabels(dataset, share, seed) {
  const removed = [];
  const items = [...dataset.items].map((item, index) => {
    const random = createRandom(seed, "missed labels", index);
    const missed = item.labels.filter(() => random.uniform() < share);
    removed.push(missed);
    return { ...item, labels: item.labels.filter((label) => !missed.includes(label)) };
  });
  return { dataset: { classes: dataset.classes, items }, removed };
}

/** Least part of an object's box that a picture has to show, as in the scenes themselves. */
const VISIBLE = 0.25;

/**
 * Pictures of 4:3, cut out of square scenes, with the labels of what they still show. `form` "squish" keeps them whole,
 * for a loader that squeezes them to a square; "crop" keeps the square in their middle and all of their labels.
 */
export async function fourToThree(scenes, { folder, form }) {
  const { images, annotations, categories } = JSON.parse(await readFile(scenes.annotations, "utf8"));
  await mkdir(folder, { recursive: true });
  const items = [];
  for (const { id, file_name, width, height } of images) {
    const high = Math.round((height * 3) / 4);
    const top = Math.floor((height - high) / 2);
    const shown = annotations.filter(({ image_id, bbox: [, y, , h] }) => {
      const visible = Math.min(y + h, top + high) - Math.max(y, top);
      return image_id === id && visible >= VISIBLE * h;
    });
    const labels = shown.map(({ category_id }) => categories.findIndex((category) => category.id === category_id));
    const window =
      form === "squish"
        ? { left: 0, top, width, height: high }
        : { left: Math.floor((width - high) / 2), top, width: high, height: high };
    const file = path.join(folder, `${path.parse(file_name).name}.png`);
    const cut = sharp(path.join(scenes.pictures, file_name)).extract(window);
    await writeFileAtomically(file, await cut.png().toBuffer());
    items.push({ name: file_name, file, labels: [...new Set(labels)] });
  }
  return { classes: categories.map(({ name }) => name), items };
}

export const openScenes = ({ pictures, annotations }) => openCoco({ pictures, annotations });

import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRandom } from "asl-core";
import type { Glyph, GlyphAtlas } from "./glyphs.js";
import { categoriesOf, classFrequencies, type EmojiScenesParameters, type EmojiSplit } from "./options.js";
import { type ClassGlyphs, composeScene, type SceneObject } from "./scene.js";

/** A scene that was written. */
export interface SceneRecord {
  readonly index: number;
  readonly file: string;
  readonly seed: number;
  readonly sha256: string;
  readonly objects: readonly SceneObject[];
}

/** What rendering depends on; plain data, so that it can be sent to a worker thread. */
export interface RendererOptions {
  readonly parameters: EmojiScenesParameters;
  readonly atlas: GlyphAtlas;
  /** The folder for the pictures; it exists. */
  readonly folder: string;
}

/** Pictures being encoded and written at a time, while the next is composed. */
const IN_FLIGHT = 4;

/**
 * The seed of a scene: 52 random bits and a last bit that tells the split, so no scene of one split has the seed of
 * any scene of the other, whatever the seeds they are made from.
 */
export function sceneSeed(split: EmojiSplit, seed: number, index: number): number {
  const random = createRandom(seed, "emoji scenes", split, index);
  const bits = (random.uint32() >>> 12) * 0x100000000 + random.uint32();
  return bits * 2 + (split === "train" ? 0 : 1);
}

/** Renders the scenes first .. last - 1 and writes them. */
export async function renderScenes(options: RendererOptions, first: number, last: number): Promise<SceneRecord[]> {
  const { parameters, atlas, folder } = options;
  const classes = classGlyphs(parameters, atlas);
  const records: SceneRecord[] = [];
  const writing: Promise<SceneRecord>[] = [];
  for (let index = first; index < last; index++) {
    const seed = sceneSeed(parameters.split, parameters.seed, index);
    const { canvas, objects } = composeScene(seed, classes, atlas, parameters);
    if (writing.length >= IN_FLIGHT) records.push(await writing.shift()!);
    const file = pictureName(parameters, index);
    const written = encode(canvas.data, canvas.size).then(async (bytes) => {
      await writeFile(join(folder, file), bytes);
      return { index, file, seed, sha256: createHash("sha256").update(bytes).digest("hex"), objects };
    });
    written.catch(() => undefined); // awaited in its turn
    writing.push(written);
  }
  for (const written of writing) records.push(await written);
  return records;
}

function pictureName({ imageSize }: EmojiScenesParameters, index: number): string {
  return `${String(index + 1).padStart(6, "0")}.${isLossless(imageSize) ? "png" : "jpg"}`;
}

function isLossless(imageSize: number): boolean {
  return imageSize <= 128;
}

async function encode(data: Uint8ClampedArray, size: number): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  const image = sharp(data, { raw: { width: size, height: size, channels: 3 } });
  return isLossless(size)
    ? image.png({ compressionLevel: 1, adaptiveFiltering: false }).toBuffer()
    : image.jpeg({ quality: 92, chromaSubsampling: "4:4:4" }).toBuffer();
}

/** The glyphs of every class by family; classes for which the families have none are left out. */
export function classGlyphs(parameters: EmojiScenesParameters, atlas: GlyphAtlas): ClassGlyphs[] {
  const frequencies = classFrequencies(parameters.classes);
  return categoriesOf(parameters.classes).flatMap(({ id }, index) => {
    const families = new Map<string, Glyph[]>();
    for (const glyph of atlas.glyphs.filter(({ categoryIds }) => categoryIds[0] === id)) {
      const family = glyph.name.slice(0, glyph.name.indexOf(":"));
      families.set(family, [...(families.get(family) ?? []), glyph]);
    }
    return families.size === 0 ? [] : [{ frequency: frequencies[index]!, families: [...families.values()] }];
  });
}

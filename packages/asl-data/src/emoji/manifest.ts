import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { iconSetVersion } from "./icons.js";
import { categoriesOf, type EmojiScenesParameters } from "./options.js";
import type { SceneRecord } from "./renderer.js";

export const PICTURES = "pictures";
export const INSTANCES = "instances.json";
export const MANIFEST = "emoji-scenes.json";

/** Raised by every change of the generator that changes a picture. */
const GENERATOR = 2;

/** `emoji-scenes.json`: what the folder holds. It is written last. */
export interface EmojiScenesManifest {
  readonly format: "asl emoji scenes";
  readonly parameters: EmojiScenesParameters;
  /** Generator and drawing software; other versions may draw other bytes. */
  readonly versions: Readonly<Record<string, string>>;
  /** SHA-256 over the names and SHA-256s of all pictures, in order, and the instances JSON. */
  readonly hash: string;
  /** SHA-256 of the instances JSON. */
  readonly instances: string;
}

export async function versionsFor({ families, classes }: EmojiScenesParameters): Promise<Record<string, string>> {
  const { default: sharp } = await import("sharp");
  const sets = classes === 80 ? ([...families, "mdi", "tabler"] as const) : families;
  return {
    generator: String(GENERATOR),
    sharp: sharp.versions.sharp ?? sharp.versions.vips,
    ...Object.fromEntries(sets.map((set) => [set, iconSetVersion(set)])),
  };
}

/** The scenes as COCO instances JSON. */
export function instancesJson(parameters: EmojiScenesParameters, records: readonly SceneRecord[]): string {
  const { imageSize, split } = parameters;
  const categories = categoriesOf(parameters.classes).map(({ id, name, supercategory }) => ({
    supercategory,
    id,
    name,
  }));
  const known = new Set(categories.map(({ id }) => id));
  const images = records.map(({ index, file, seed }) => ({
    id: index + 1,
    file_name: file,
    width: imageSize,
    height: imageSize,
    seed,
  }));
  const annotations = records
    .flatMap(({ index, objects }) =>
      objects.flatMap(({ glyph, categoryIds, box, area }) =>
        categoryIds
          .filter((id) => known.has(id))
          .map((category_id) => ({
            image_id: index + 1,
            category_id,
            bbox: box,
            area,
            iscrowd: 0,
            segmentation: [],
            glyph,
          })),
      ),
    )
    .map((annotation, index) => ({ id: index + 1, ...annotation }));
  const info = {
    description: `Emoji scenes (${split}): generated pictures with the labels of ${categories.length} COCO categories`,
    attribution:
      "Noto Emoji (Apache-2.0, Google), Fluent Emoji (MIT, Microsoft), Material Design Icons (Apache-2.0), Tabler Icons (MIT)",
    version: String(GENERATOR),
  };
  return `${JSON.stringify({ info, licenses: [], images, annotations, categories })}\n`;
}

export function hashOf(records: readonly SceneRecord[], instances: string): string {
  const hash = createHash("sha256");
  for (const { file, sha256 } of records) hash.update(`${file} ${sha256}\n`);
  return hash.update(instances).digest("hex");
}

/** The manifest of a folder that this generator made, or undefined when there is none that can be read. */
export async function readManifest(folder: string): Promise<EmojiScenesManifest | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(folder, MANIFEST), "utf8")) as Partial<EmojiScenesManifest>;
    return manifest.format === "asl emoji scenes" ? (manifest as EmojiScenesManifest) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a folder holds just these scenes, all of them, with unchanged annotations. */
export async function isComplete(
  folder: string,
  manifest: EmojiScenesManifest,
  parameters: EmojiScenesParameters,
): Promise<boolean> {
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  if (!same(manifest.parameters, parameters) || !same(manifest.versions, await versionsFor(parameters))) return false;
  try {
    const instances = await readFile(join(folder, INSTANCES));
    if (createHash("sha256").update(instances).digest("hex") !== manifest.instances) return false;
    return (await readdir(join(folder, PICTURES))).length === parameters.scenes;
  } catch {
    return false;
  }
}

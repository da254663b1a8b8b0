import path from "node:path";
import { writeAtomically } from "asl-checkpoint";
import { InputError } from "asl-core";
import sharp, { type Sharp } from "sharp";
import { letter } from "./label-font.js";
import type { Tag } from "./tags.js";

/** Smaller pictures are enlarged so that the longer side has this many pixels and the tags can be read. */
const LEAST_SIDE = 480;

/** A strip of tags below a picture. */
export interface TagStrip {
  readonly svg: string;
  readonly height: number;
}

/**
 * Writes a copy of a picture with its tags in a strip below it, as a whole or not at all. The format follows the
 * ending of `target`. Throws AslError naming the file when it cannot be written.
 */
export async function writeAnnotated(source: string, tags: readonly Tag[], target: string): Promise<void> {
  const writer = await encode(source, tags, path.extname(target));
  await writeAtomically(target, (file) => file.write(writer, 0));
}

async function encode(source: string, tags: readonly Tag[], ending: string): Promise<Uint8Array> {
  // Rotated to upright first: sizes are those that a viewer sees.
  const upright = await sharp(source).autoOrient().toColourspace("srgb").png({ compressionLevel: 0 }).toBuffer();
  const { width: sourceWidth, height: sourceHeight } = await sharp(upright).metadata();
  const scale = Math.max(1, LEAST_SIDE / Math.max(sourceWidth, sourceHeight));
  const width = Math.round(sourceWidth * scale);
  const height = Math.round(sourceHeight * scale);
  const strip = tagStrip(tags, width);
  const picture = await sharp(upright)
    .resize(width, height, { fit: "fill" })
    .flatten({ background: "#fff" })
    .toBuffer();
  const canvas = sharp({ create: { width, height: height + strip.height, channels: 3, background: "#0f172a" } });
  const drawn = canvas.composite([
    { input: picture, left: 0, top: 0 },
    { input: Buffer.from(strip.svg), left: 0, top: height },
  ]);
  return new Uint8Array(await inFormat(drawn, ending).toBuffer());
}

function inFormat(image: Sharp, ending: string): Sharp {
  switch (ending.toLowerCase()) {
    case ".png":
      return image.png();
    case ".webp":
      return image.webp({ quality: 90 });
    default:
      return image.jpeg({ quality: 90 });
  }
}

/** The tags as chips in rows, `width` pixels wide: name, score, and a bar as long as the score. */
export function tagStrip(tags: readonly Tag[], width: number): TagStrip {
  const size = Math.max(14, Math.round(width / 40));
  const gap = Math.round(size * 0.5);
  const chipHeight = Math.round(size * 2);
  const shown: readonly (Tag | null)[] = tags.length === 0 ? [null] : tags;
  const chips: string[] = [];
  let left = gap;
  let top = gap;
  for (const tag of shown) {
    const text = tag === null ? "no tag above the threshold" : `${tag.name} ${tag.score.toFixed(2)}`;
    const lettering = letter(text, size);
    const chipWidth = Math.ceil(lettering.width + 2 * gap);
    if (left > gap && left + chipWidth + gap > width) {
      left = gap;
      top += chipHeight + gap;
    }
    chips.push(
      `<g transform="translate(${left} ${top})">` +
        `<rect width="${chipWidth}" height="${chipHeight}" rx="${gap / 2}" fill="#1e293b"/>` +
        (tag === null ? "" : bar(tag.score, chipWidth, chipHeight, gap)) +
        `<g transform="translate(${gap} ${(chipHeight - size * 1.3) / 2})" fill="#f8fafc">` +
        (lettering.path === null
          ? `<text y="${size}" font-family="sans-serif" font-size="${size}">${escapeXml(text)}</text>`
          : `<path d="${lettering.path}"/>`) +
        "</g></g>",
    );
    left += chipWidth + gap;
  }
  const height = top + chipHeight + gap;
  return {
    height,
    svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${chips.join("")}</svg>`,
  };
}

function bar(score: number, chipWidth: number, chipHeight: number, gap: number): string {
  const length = (Math.min(1, Math.max(0, score)) * (chipWidth - gap)).toFixed(1);
  const thickness = Math.max(2, Math.round(gap / 4));
  return `<rect x="${gap / 2}" y="${chipHeight - thickness - 1}" width="${length}" height="${thickness}" fill="#38bdf8"/>`;
}

/** Text for an SVG element; control characters, which XML cannot hold, become spaces. */
function escapeXml(text: string): string {
  return [...text]
    .map((character) => (character < " " || character === "\u007f" ? " " : character))
    .join("")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

/**
 * Where each picture's annotated copy goes: its own name in `folder`, with "-2", "-3" where names meet, ".jpg" for
 * formats that are not written. Throws InputError where a copy would replace one of the pictures themselves.
 */
export function annotatedFiles(sources: readonly string[], folder: string): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  const originals = new Set(sources.map((source) => path.resolve(source)));
  const targets = new Map<string, string>();
  for (const source of sources) {
    const { name, ext } = path.parse(source);
    const ending = [".jpg", ".jpeg", ".png", ".webp"].includes(ext.toLowerCase()) ? ext : ".jpg";
    let target = path.join(folder, name + ending);
    for (let copy = 2; taken.has(target.toLowerCase()); copy++) target = path.join(folder, `${name}-${copy}${ending}`);
    if (originals.has(path.resolve(target))) {
      throw new InputError(
        `--save-annotated ${folder}: this would replace the picture ${target}. Name another folder.`,
      );
    }
    taken.add(target.toLowerCase());
    targets.set(source, target);
  }
  return targets;
}

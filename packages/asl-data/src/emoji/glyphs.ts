import { GLYPH_CATEGORIES, type GlyphCategory, SECOND_CATEGORY } from "./glyph-table.js";
import { ICON_FAMILIES, type IconFamily, type IconSet, openIconSet } from "./icons.js";

/** One size of a glyph: premultiplied RGBA bytes at `offset` of the atlas. */
export interface GlyphLevel {
  readonly offset: number;
  readonly width: number;
  readonly height: number;
}

export interface Glyph {
  /** "noto:cat-face" */
  readonly name: string;
  /** Ids of the categories that it shows; the first is the one that it was drawn for. */
  readonly categoryIds: readonly number[];
  /** A single-colour icon, to be tinted. */
  readonly plain: boolean;
  /** From the largest on, each half as wide and high; cropped to what is drawn. */
  readonly levels: readonly GlyphLevel[];
}

/** Rasterised glyphs in shared memory, so that worker threads need not draw them again. */
export interface GlyphAtlas {
  readonly glyphs: readonly Glyph[];
  readonly pixels: SharedArrayBuffer;
}

/** Alpha from which on a pixel belongs to the glyph. */
const INK = 8;
const SMALLEST_LEVEL = 8;

/**
 * Draws every icon of the named categories at `size` pixels and smaller. Plain icons are used for categories without
 * an emoji, whatever the families. Throws DatasetError when an icon package is not installed.
 */
export async function drawGlyphs(
  classNames: readonly string[],
  families: readonly IconFamily[],
  size: number,
): Promise<GlyphAtlas> {
  const categories = GLYPH_CATEGORIES.filter(({ name }) => classNames.includes(name));
  const drawings: Promise<Drawing | undefined>[] = [];
  for (const family of ICON_FAMILIES.filter((each) => families.includes(each))) {
    const set = await openIconSet(family);
    for (const category of categories) {
      for (const icon of category.emoji ?? []) drawings.push(draw(set, icon, category, false, size));
    }
  }
  const plain = categories.flatMap((category) => (category.icons ?? []).map((name) => ({ category, name })));
  for (const setName of ["mdi", "tabler"] as const) {
    const wanted = plain.filter(({ name }) => name.startsWith(`${setName}:`));
    if (wanted.length === 0) continue;
    const set = await openIconSet(setName);
    for (const { category, name } of wanted) {
      drawings.push(draw(set, name.slice(setName.length + 1), category, true, size));
    }
  }
  return pack((await Promise.all(drawings)).filter((drawing) => drawing !== undefined));
}

interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

interface Drawing extends Omit<Glyph, "levels"> {
  readonly levels: readonly Raster[];
}

async function draw(
  set: IconSet,
  icon: string,
  category: GlyphCategory,
  plain: boolean,
  size: number,
): Promise<Drawing | undefined> {
  const svg = set.svg(icon, size);
  if (svg === undefined) return undefined;
  const { default: sharp } = await import("sharp");
  const { data, info } = await sharp(Buffer.from(svg)).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const levels = [crop(premultiply({ width: info.width, height: info.height, data }))];
  for (;;) {
    const last = levels.at(-1)!;
    if (Math.max(last.width, last.height) < 2 * SMALLEST_LEVEL) break;
    levels.push(halve(last));
  }
  const second = SECOND_CATEGORY[icon];
  const secondIds = GLYPH_CATEGORIES.filter(({ name }) => name === second).map(({ id }) => id);
  return { name: `${set.name}:${icon}`, categoryIds: [category.id, ...secondIds], plain, levels };
}

function premultiply({ width, height, data }: Raster): Raster {
  const result = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 4) {
    const alpha = data[i + 3]!;
    for (let channel = 0; channel < 3; channel++) result[i + channel] = Math.round((data[i + channel]! * alpha) / 255);
    result[i + 3] = alpha;
  }
  return { width, height, data: result };
}

/** The smallest part that holds all ink, so that a scale means the size of what is seen. */
function crop({ width, height, data }: Raster): Raster {
  let left = width;
  let right = 0;
  let top = height;
  let bottom = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[(y * width + x) * 4 + 3]! < INK) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y + 1);
    }
  }
  if (left >= right) return { width, height, data };
  const target = new Uint8Array((right - left) * (bottom - top) * 4);
  for (let y = top; y < bottom; y++) {
    const row = data.subarray((y * width + left) * 4, (y * width + right) * 4);
    target.set(row, (y - top) * row.length);
  }
  return { width: right - left, height: bottom - top, data: target };
}

/** Averages of 2 x 2 pixels; beyond an odd edge it is transparent. */
function halve({ width, height, data }: Raster): Raster {
  const halfWidth = Math.ceil(width / 2);
  const halfHeight = Math.ceil(height / 2);
  const target = new Uint8Array(halfWidth * halfHeight * 4);
  for (let y = 0; y < halfHeight; y++) {
    for (let x = 0; x < halfWidth; x++) {
      for (let channel = 0; channel < 4; channel++) {
        let sum = 0;
        for (let dy = 0; dy < 2 && 2 * y + dy < height; dy++) {
          for (let dx = 0; dx < 2 && 2 * x + dx < width; dx++) {
            sum += data[((2 * y + dy) * width + 2 * x + dx) * 4 + channel]!;
          }
        }
        target[(y * halfWidth + x) * 4 + channel] = (sum + 2) >> 2;
      }
    }
  }
  return { width: halfWidth, height: halfHeight, data: target };
}

function pack(drawings: readonly Drawing[]): GlyphAtlas {
  let size = 0;
  const glyphs = drawings.map(({ levels, ...rest }) => ({
    ...rest,
    levels: levels.map(({ width, height, data }) => {
      const offset = size;
      size += data.length;
      return { offset, width, height };
    }),
  }));
  const pixels = new SharedArrayBuffer(size);
  const bytes = new Uint8Array(pixels);
  glyphs.forEach((glyph, index) => {
    glyph.levels.forEach(({ offset }, level) => {
      bytes.set(drawings[index]!.levels[level]!.data, offset);
    });
  });
  return { glyphs, pixels };
}

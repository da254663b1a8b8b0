import type { Random } from "asl-core";
import type { GlyphLevel } from "./glyphs.js";

/** Something to paste into a scene: premultiplied RGBA, 8 bits, already turned, scaled and coloured. */
export interface Sprite {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
  /** Pixels that it covers at least by half. */
  readonly area: number;
}

/** Alpha from which on a pixel counts as covered. */
export const COVERED = 128;

/** Colour change of a glyph: out = matrix in + shift, per premultiplied pixel (shift is multiplied by alpha). */
export interface ColourChange {
  /** 3 x 3, row-major. */
  readonly matrix: readonly number[];
  readonly shift: readonly [number, number, number];
}

/** A turn, as cosine and sine. Both are rounded to 1/65536: trigonometric functions may differ in their last bit between engines. */
export interface Turn {
  readonly cos: number;
  readonly sin: number;
}

export function turn(radians: number): Turn {
  return { cos: Math.round(Math.cos(radians) * 65536) / 65536, sin: Math.round(Math.sin(radians) * 65536) / 65536 };
}

export interface GlyphPose {
  /** Pixels of the longer side before turning. */
  readonly size: number;
  readonly turn: Turn;
  readonly mirrored: boolean;
  readonly colour: ColourChange;
}

/** Draws a glyph in a pose by bilinear sampling of the level that is nearest in size. */
export function glyphSprite(levels: readonly GlyphLevel[], pixels: Uint8Array, pose: GlyphPose): Sprite {
  const { size, colour, mirrored } = pose;
  const { cos, sin } = pose.turn;
  const level = levels.reduce((best, other) =>
    mismatch(longer(other), size) < mismatch(longer(best), size) ? other : best,
  );
  const scale = size / longer(level);
  // The turned rectangle's bounding box, with a pixel of margin for the soft edge.
  const halfWidth = (level.width * scale) / 2;
  const halfHeight = (level.height * scale) / 2;
  const width = 2 * Math.ceil(Math.abs(cos) * halfWidth + Math.abs(sin) * halfHeight) + 2;
  const height = 2 * Math.ceil(Math.abs(sin) * halfWidth + Math.abs(cos) * halfHeight) + 2;
  const data = new Uint8ClampedArray(width * height * 4);
  const sample = new Float64Array(4);
  let area = 0;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 4) {
      const dx = (x + 0.5 - width / 2) / scale;
      const dy = (y + 0.5 - height / 2) / scale;
      const u = cos * dx + sin * dy;
      const v = cos * dy - sin * dx;
      sampleBilinear(level, pixels, (mirrored ? -u : u) + level.width / 2 - 0.5, v + level.height / 2 - 0.5, sample);
      const alpha = sample[3]!;
      if (alpha < 0.5) continue;
      writeColoured(data, to, sample, colour);
      if (alpha >= COVERED) area++;
    }
  }
  return { width, height, data, area };
}

function longer({ width, height }: GlyphLevel): number {
  return Math.max(width, height);
}

/** How far apart two sizes are, as a ratio of at least 1. */
function mismatch(a: number, b: number): number {
  return Math.max(a / b, b / a);
}

function sampleBilinear(level: GlyphLevel, pixels: Uint8Array, x: number, y: number, target: Float64Array): void {
  const left = Math.floor(x);
  const top = Math.floor(y);
  target.fill(0);
  if (left < -1 || top < -1 || left >= level.width || top >= level.height) return;
  const fx = x - left;
  const fy = y - top;
  for (let row = 0; row < 2; row++) {
    const py = top + row;
    if (py < 0 || py >= level.height) continue;
    const weightY = row === 0 ? 1 - fy : fy;
    for (let column = 0; column < 2; column++) {
      const px = left + column;
      if (px < 0 || px >= level.width) continue;
      const weight = weightY * (column === 0 ? 1 - fx : fx);
      const at = level.offset + (py * level.width + px) * 4;
      target[0]! += weight * pixels[at]!;
      target[1]! += weight * pixels[at + 1]!;
      target[2]! += weight * pixels[at + 2]!;
      target[3]! += weight * pixels[at + 3]!;
    }
  }
}

function writeColoured(target: Uint8ClampedArray, at: number, source: Float64Array, colour: ColourChange): void {
  const { matrix, shift } = colour;
  const red = source[0]!;
  const green = source[1]!;
  const blue = source[2]!;
  const alpha = source[3]!;
  for (let channel = 0; channel < 3; channel++) {
    const row = 3 * channel;
    const value = matrix[row]! * red + matrix[row + 1]! * green + matrix[row + 2]! * blue + shift[channel]! * alpha;
    target[at + channel] = Math.min(alpha, Math.max(0, value));
  }
  target[at + 3] = alpha;
}

/**
 * Hue turned within 0.2 rad about the grey axis, saturation and brightness changed by up to a quarter.
 * Larger hue changes would make an apple an orange.
 */
export function jitter(random: Random): ColourChange {
  const { cos, sin } = turn(random.between(-0.2, 0.2));
  const saturation = random.between(0.75, 1.25);
  const brightness = random.between(0.8, 1.2);
  const shift = random.between(-0.08, 0.08);
  // Rodrigues' rotation about (1, 1, 1)/sqrt(3): cos I + (1 - cos)/3 J + sin/sqrt(3) K
  const mean = (1 - cos) / 3;
  const skew = sin / Math.sqrt(3);
  const hue = [
    cos + mean,
    mean - skew,
    mean + skew,
    mean + skew,
    cos + mean,
    mean - skew,
    mean - skew,
    mean + skew,
    cos + mean,
  ];
  // Saturation s: s I + (1 - s)/3 J. Rows of `hue` sum to 1, so (1 - s)/3 J hue = (1 - s)/3 J.
  const matrix = hue.map((value) => brightness * (saturation * value + (1 - saturation) / 3));
  return { matrix, shift: [shift, shift, shift] };
}

/** White becomes this colour. */
export function tint(red: number, green: number, blue: number): ColourChange {
  return { matrix: [red / 255, 0, 0, 0, green / 255, 0, 0, 0, blue / 255], shift: [0, 0, 0] };
}

/** A turned ellipse, rectangle or triangle of one random colour: clutter. */
export function shapeSprite(random: Random, longSide: number, shortSide: number): Sprite {
  const kind = random.integer(3);
  const { cos, sin } = turn(random.between(0, 2 * Math.PI));
  const colour = [random.integer(256), random.integer(256), random.integer(256)] as const;
  const a = longSide / 2;
  const b = shortSide / 2;
  const side = 2 * Math.ceil(Math.sqrt(a * a + b * b)) + 2;
  const data = new Uint8ClampedArray(side * side * 4);
  let area = 0;
  for (let y = 0, to = 0; y < side; y++) {
    for (let x = 0; x < side; x++, to += 4) {
      const dx = x + 0.5 - side / 2;
      const dy = y + 0.5 - side / 2;
      const u = (cos * dx + sin * dy) / a;
      const v = (cos * dy - sin * dx) / b;
      const inside =
        kind === 0
          ? u * u + v * v <= 1
          : kind === 1
            ? Math.abs(u) <= 1 && Math.abs(v) <= 1
            : v >= -1 && v <= 1 - 2 * Math.abs(u);
      if (!inside) continue;
      area++;
      data[to] = colour[0];
      data[to + 1] = colour[1];
      data[to + 2] = colour[2];
      data[to + 3] = 255;
    }
  }
  return { width: side, height: side, data, area };
}

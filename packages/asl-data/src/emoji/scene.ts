import { createRandom, type Random } from "asl-core";
import { paintBackground } from "./background.js";
import { type Canvas, newCanvas, paste } from "./canvas.js";
import type { Glyph, GlyphAtlas } from "./glyphs.js";
import { COVERED, type ColourChange, glyphSprite, jitter, type Sprite, shapeSprite, tint, turn } from "./sprite.js";

/** An object that can be seen in a scene. */
export interface SceneObject {
  readonly glyph: string;
  readonly categoryIds: readonly number[];
  /** Of the visible part: x, y, width, height in pixels. */
  readonly box: readonly [number, number, number, number];
  /** Visible pixels. */
  readonly area: number;
}

export interface Scene {
  readonly canvas: Canvas;
  readonly objects: readonly SceneObject[];
}

export interface SceneSettings {
  readonly imageSize: number;
  /** Longer side of an object as a part of the picture's side: least and most. */
  readonly objectScale: readonly [number, number];
}

/** The glyphs of a class, grouped by icon family, and how often the class is drawn. */
export interface ClassGlyphs {
  readonly frequency: number;
  readonly families: readonly (readonly Glyph[])[];
}

/** An object of which less is visible is not labelled, so it must not be there. */
const LEAST_VISIBLE = 0.25;
/** Objects that are hidden more than this are moved, as long as there are tries left: photographs are not piles. */
const COMFORTABLY_VISIBLE = 0.55;
const PLACEMENTS = 12;

interface Placed {
  readonly sprite: Sprite;
  /** Undefined: clutter in front of objects. */
  readonly glyph: Glyph | undefined;
  left: number;
  top: number;
}

/** Composes the scene of a seed: background, 2 to 5 objects (larger ones tend to lie behind), clutter in front. */
export function composeScene(
  seed: number,
  classes: readonly ClassGlyphs[],
  atlas: GlyphAtlas,
  settings: SceneSettings,
): Scene {
  const random = createRandom(seed, "scene");
  const { imageSize } = settings;
  const pixels = new Uint8Array(atlas.pixels);
  const canvas = newCanvas(imageSize);
  paintBackground(canvas, random);

  const objects = Array.from({ length: 2 + random.integer(4) }, () => {
    const size = imageSize * random.between(...settings.objectScale);
    return { size, depth: size * random.between(0.6, 1.6) };
  });
  const placed: Placed[] = objects
    .sort((a, b) => b.depth - a.depth)
    .map(({ size }) => {
      const glyph = pickGlyph(classes, random);
      const sprite = glyphSprite(glyph.levels, pixels, {
        size,
        turn: turn(random.between(-0.3, 0.3)),
        mirrored: random.chance(0.5),
        colour: glyph.plain ? randomTint(random) : jitter(random),
      });
      return place({ sprite, glyph, left: 0, top: 0 }, imageSize, random);
    });
  const clutter = random.integer(3);
  for (let shape = 0; shape < clutter; shape++) {
    const long = imageSize * random.between(0.1, 0.3);
    const sprite = shapeSprite(random, long, Math.max(1.5, long * random.between(0.1, 0.5)));
    placed.push(place({ sprite, glyph: undefined, left: 0, top: 0 }, imageSize, random));
  }

  const kept = settleVisibility(placed, imageSize, random);
  for (const { sprite, left, top } of kept) paste(canvas, sprite, left, top);
  const visible = visibleParts(kept, imageSize);
  return {
    canvas,
    objects: kept.flatMap(({ glyph }, index) => {
      if (glyph === undefined) return [];
      const { area, left, top, right, bottom } = visible[index]!;
      const box = [left, top, right - left, bottom - top] as const;
      return [{ glyph: glyph.name, categoryIds: glyph.categoryIds, box, area }];
    }),
  };
}

function pickGlyph(classes: readonly ClassGlyphs[], random: Random): Glyph {
  const total = classes.reduce((sum, { frequency }) => sum + frequency, 0);
  let left = random.uniform() * total;
  const chosen = classes.find(({ frequency }) => {
    left -= frequency;
    return left < 0;
  });
  return random.pick(random.pick((chosen ?? classes.at(-1)!).families));
}

function randomTint(random: Random): ColourChange {
  return tint(random.integer(256), random.integer(256), random.integer(256));
}

/** Somewhere with its centre well inside the picture; its edge may be cut off. */
function place(object: Placed, imageSize: number, random: Random): Placed {
  object.left = Math.round(imageSize * random.between(0.15, 0.85) - object.sprite.width / 2);
  object.top = Math.round(imageSize * random.between(0.15, 0.85) - object.sprite.height / 2);
  return object;
}

/** Moves objects that are hidden too much; those that stay hidden are taken out, which only uncovers others. */
function settleVisibility(placed: readonly Placed[], imageSize: number, random: Random): readonly Placed[] {
  for (let attempt = 0; attempt < PLACEMENTS; attempt++) {
    const hidden = hiddenOf(placed, imageSize, COMFORTABLY_VISIBLE);
    if (hidden.length === 0) return placed;
    for (const object of hidden) place(object, imageSize, random);
  }
  let kept = placed;
  for (;;) {
    // One at a time, from the front: what is taken out may uncover the next.
    const hidden = hiddenOf(kept, imageSize, LEAST_VISIBLE).at(-1);
    if (hidden === undefined) return kept;
    kept = kept.filter((object) => object !== hidden);
  }
}

function hiddenOf(placed: readonly Placed[], imageSize: number, least: number): Placed[] {
  const parts = visibleParts(placed, imageSize);
  return placed.filter(
    ({ glyph, sprite }, index) => glyph !== undefined && parts[index]!.area < least * Math.max(1, sprite.area),
  );
}

interface VisiblePart {
  area: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** What can be seen of each, given back to front. */
function visibleParts(placed: readonly Placed[], imageSize: number): VisiblePart[] {
  const front = new Uint8Array(imageSize * imageSize);
  placed.forEach(({ sprite, left, top }, index) => {
    const lastX = Math.min(sprite.width, imageSize - left);
    const lastY = Math.min(sprite.height, imageSize - top);
    for (let y = Math.max(0, -top); y < lastY; y++) {
      for (let x = Math.max(0, -left); x < lastX; x++) {
        if (sprite.data[(y * sprite.width + x) * 4 + 3]! >= COVERED)
          front[(top + y) * imageSize + left + x] = index + 1;
      }
    }
  });
  const parts = placed.map(() => ({ area: 0, left: imageSize, top: imageSize, right: 0, bottom: 0 }));
  for (let y = 0, at = 0; y < imageSize; y++) {
    for (let x = 0; x < imageSize; x++, at++) {
      const part = parts[front[at]! - 1];
      if (part === undefined) continue;
      part.area++;
      part.left = Math.min(part.left, x);
      part.right = Math.max(part.right, x + 1);
      part.top = Math.min(part.top, y);
      part.bottom = Math.max(part.bottom, y + 1);
    }
  }
  return parts;
}

import { availableParallelism } from "node:os";
import { InputError } from "asl-core";
import { GLYPH_CATEGORIES, TWENTY_CLASSES } from "./glyph-table.js";
import { ICON_FAMILIES, type IconFamily } from "./icons.js";

export type EmojiSplit = "train" | "val";

export interface EmojiScenesOptions {
  /** The folder to make; it gets `pictures/`, `instances.json` and `emoji-scenes.json`. */
  readonly out: string;
  /** Scenes of different splits never share a seed. */
  readonly split: EmojiSplit;
  /** Number of scenes. */
  readonly scenes: number;
  /** 20 (default) or COCO's 80. */
  readonly classes?: 20 | 80;
  /** Default 0. */
  readonly seed?: number;
  /** Side of the square pictures in pixels, default 64. Up to 128 they are PNG, above JPEG. */
  readonly imageSize?: number;
  /** Longer side of an object as a part of the picture's side, least and most; default [0.3, 0.8]. */
  readonly objectScale?: readonly [number, number];
  /** Icon families to draw from; default all. */
  readonly families?: readonly IconFamily[];
  /** A family to leave out, so that a validation set with `families: [that one]` shows drawings never trained on. */
  readonly heldOutFamily?: IconFamily;
  /** Threads; 0 works in the calling thread. Default: cores, at most 4. Changes no byte. */
  readonly workers?: number;
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops the generation and removes what it wrote; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What the content of the pictures depends on; written to `emoji-scenes.json`. */
export interface EmojiScenesParameters {
  readonly split: EmojiSplit;
  readonly scenes: number;
  readonly classes: 20 | 80;
  readonly seed: number;
  readonly imageSize: number;
  readonly objectScale: readonly [number, number];
  readonly families: readonly IconFamily[];
}

/** Fills in defaults. Throws InputError naming the option, what is expected and what was found. */
export function resolveEmojiScenesOptions(options: EmojiScenesOptions): {
  parameters: EmojiScenesParameters;
  workers: number;
} {
  const { split, scenes, classes = 20, seed = 0, imageSize = 64, objectScale = [0.3, 0.8], heldOutFamily } = options;
  const workers = options.workers ?? Math.min(4, availableParallelism());
  if (typeof options.out !== "string" || options.out === "") fail("out", "the path of a folder", options.out);
  if (split !== "train" && split !== "val") fail("split", '"train" or "val"', split);
  if (!isInteger(scenes, 1, 1_000_000)) fail("scenes", "an integer in 1 .. 1000000", scenes);
  if (classes !== 20 && classes !== 80) fail("classes", "20 or 80", classes);
  if (!Number.isSafeInteger(seed)) fail("seed", "an integer", seed);
  if (!isInteger(imageSize, 16, 2048)) fail("imageSize", "an integer in 16 .. 2048", imageSize);
  if (!isInteger(workers, 0, 256)) fail("workers", "an integer in 0 .. 256", workers);
  const [least, most] = objectScale;
  if (!(least > 0 && least <= most && most <= 2)) {
    fail("objectScale", "[least, most] with 0 < least <= most <= 2", objectScale);
  }
  const wanted = options.families ?? ICON_FAMILIES;
  for (const family of heldOutFamily === undefined ? wanted : [...wanted, heldOutFamily]) {
    if (!ICON_FAMILIES.includes(family)) fail("families, heldOutFamily", `of ${ICON_FAMILIES.join(", ")}`, family);
  }
  // In the table's order, so that the order in which they are asked for changes nothing.
  const families = ICON_FAMILIES.filter((family) => wanted.includes(family) && family !== heldOutFamily);
  if (families.length === 0) {
    throw new InputError(
      `emoji scenes: no icon family is left to draw from: families is [${wanted.join(", ")}] and ` +
        `heldOutFamily is ${heldOutFamily ?? "not set"}. Name one more family.`,
    );
  }
  return { parameters: { split, scenes, classes, seed, imageSize, objectScale: [least, most], families }, workers };
}

/** The class names of a task, in the order of COCO's category ids. */
export function emojiClassNames(classes: 20 | 80): readonly string[] {
  return categoriesOf(classes).map(({ name }) => name);
}

export function categoriesOf(classes: 20 | 80) {
  return GLYPH_CATEGORIES.filter(({ name }) => classes === 80 || TWENTY_CLASSES.includes(name));
}

/**
 * How often each class is drawn, relative to the others, in the order of categoriesOf: a long tail,
 * 1 / (rank + 3)^0.8 by rank from 0. Of 20 classes the rarest is drawn about a fifth as often as the most frequent.
 */
export function classFrequencies(classes: 20 | 80): readonly number[] {
  const categories = categoriesOf(classes);
  const ranked = [
    ...TWENTY_CLASSES,
    ...categories.map(({ name }) => name).filter((name) => !TWENTY_CLASSES.includes(name)),
  ];
  return categories.map(({ name }) => 1 / (ranked.indexOf(name) + 3) ** 0.8);
}

function isInteger(value: number, low: number, high: number): boolean {
  return Number.isInteger(value) && value >= low && value <= high;
}

function fail(name: string, expected: string, found: unknown): never {
  throw new InputError(`emoji scenes: ${name} must be ${expected}; got ${JSON.stringify(found) ?? String(found)}`);
}

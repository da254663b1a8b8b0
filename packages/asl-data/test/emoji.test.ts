import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
// The built package: worker threads run compiled files.
import { DatasetError, type EmojiScenesOptions, emojiClassNames, generateEmojiScenes, openCoco } from "asl-data";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { GLYPH_CATEGORIES, SECOND_CATEGORY, TWENTY_CLASSES } from "../src/emoji/glyph-table.js";
import { drawGlyphs } from "../src/emoji/glyphs.js";
import { ICON_FAMILIES } from "../src/emoji/icons.js";
import { classFrequencies } from "../src/emoji/options.js";
import { sceneSeed } from "../src/emoji/renderer.js";
import { sha256 } from "./repository.js";

const base = mkdtempSync(join(tmpdir(), "asl-data-emoji-"));
afterAll(() => rmSync(base, { recursive: true }));

let made = 0;
function generate(options: Partial<EmojiScenesOptions> = {}) {
  const out = options.out ?? join(base, String(made++));
  return generateEmojiScenes({ split: "train", scenes: 70, workers: 0, ...options, out });
}

interface Instances {
  images: { id: number; file_name: string; width: number; height: number; seed: number }[];
  annotations: {
    image_id: number;
    category_id: number;
    bbox: [number, number, number, number];
    area: number;
    glyph: string;
  }[];
  categories: { id: number; name: string }[];
}

function read(file: string): Instances {
  return JSON.parse(readFileSync(file, "utf8")) as Instances;
}

describe("the table of glyphs", () => {
  it("has COCO's 80 categories; every one can be drawn, the 20 by every family", async () => {
    expect(GLYPH_CATEGORIES).toHaveLength(80);
    expect(emojiClassNames(80)).toHaveLength(80);
    expect(new Set(emojiClassNames(20))).toEqual(new Set(TWENTY_CLASSES));
    const { glyphs } = await drawGlyphs(emojiClassNames(80), ICON_FAMILIES, 32);
    for (const { id, name } of GLYPH_CATEGORIES) {
      const families = glyphs
        .filter(({ categoryIds }) => categoryIds[0] === id)
        .map((glyph) => glyph.name.split(":")[0]);
      expect(families.length, name).toBeGreaterThan(0);
      if (TWENTY_CLASSES.includes(name)) expect(new Set(families), name).toEqual(new Set(ICON_FAMILIES));
    }
    for (const { name, levels } of glyphs) {
      const [{ width, height } = { width: 0, height: 0 }] = levels;
      expect(Math.max(width, height), name).toBeGreaterThan(16);
    }
    for (const second of Object.values(SECOND_CATEGORY)) expect(emojiClassNames(80)).toContain(second);
  });

  it("draws classes with a long tail", () => {
    for (const classes of [20, 80] as const) {
      const frequencies = classFrequencies(classes);
      const person = frequencies[emojiClassNames(classes).indexOf("person")]!;
      expect(Math.max(...frequencies)).toBe(person);
      expect(person / Math.min(...frequencies)).toBeGreaterThan(4);
    }
  });
});

describe("emoji scenes", () => {
  it("are the same files for the same seed, whatever the number of workers; the hash tells", async () => {
    const runs = await Promise.all([0, 1, 2].map((workers) => generate({ workers })));
    const contents = runs.map(({ pictures, annotations }) =>
      sha256(
        ...readdirSync(pictures)
          .sort()
          .map((file) => readFileSync(join(pictures, file))),
        readFileSync(annotations),
      ),
    );
    expect(new Set(contents).size).toBe(1);
    expect(new Set(runs.map(({ hash }) => hash)).size).toBe(1);
    const others = await Promise.all(
      [{ seed: 1 }, { split: "val" }, { heldOutFamily: "noto" }].map((options) =>
        generate(options as Partial<EmojiScenesOptions>),
      ),
    );
    expect(new Set([runs[0]!, ...others].map(({ hash }) => hash)).size).toBe(4);
  });

  it("never share a seed between splits, whatever the seeds", () => {
    const seeds = (split: "train" | "val", seed: number) =>
      Array.from({ length: 5000 }, (_, index) => sceneSeed(split, seed, index));
    const train = new Set([0, 1, 2].flatMap((seed) => seeds("train", seed)));
    expect(train.size).toBe(15_000);
    expect([0, 1, 2].flatMap((seed) => seeds("val", seed)).some((seed) => train.has(seed))).toBe(false);
    // The last bit is the split.
    expect([...train].every((seed) => Number.isSafeInteger(seed) && seed % 2 === 0)).toBe(true);
    expect(seeds("val", 0).every((seed) => Number.isSafeInteger(seed) && seed % 2 === 1)).toBe(true);
  });

  it("are a COCO dataset: up to 5 objects whose boxes and areas lie in the picture", async () => {
    const { pictures, annotations, classes } = await generate({ scenes: 200, objectScale: [0.2, 0.9] });
    const dataset = await openCoco({ pictures, annotations });
    expect(dataset.classes).toEqual(classes);
    expect(dataset.items).toHaveLength(200);
    const json = read(annotations);
    for (const { id, file_name, width, height } of json.images) {
      const { width: realWidth, height: realHeight, channels } = await sharp(join(pictures, file_name)).metadata();
      expect([realWidth, realHeight, channels]).toEqual([width, height, 3]);
      const objects = json.annotations.filter(({ image_id }) => image_id === id);
      expect(objects.length).toBeLessThanOrEqual(5);
      expect(objects.length).toBeGreaterThanOrEqual(1);
      for (const { bbox, area } of objects) {
        const [left, top, boxWidth, boxHeight] = bbox;
        expect(Math.min(left, top)).toBeGreaterThanOrEqual(0);
        expect(Math.max(left + boxWidth, top + boxHeight)).toBeLessThanOrEqual(64);
        expect(area).toBeGreaterThan(0);
        expect(area).toBeLessThanOrEqual(boxWidth * boxHeight);
      }
    }
    const scenesWithTwo = json.images.filter(
      ({ id }) => json.annotations.filter(({ image_id }) => image_id === id).length > 1,
    );
    expect(scenesWithTwo.length).toBeGreaterThan(190);
  });

  it("label both classes of a glyph that shows two", async () => {
    const { annotations } = await generate({ scenes: 400, classes: 80 });
    const json = read(annotations);
    const idOf = new Map(json.categories.map(({ id, name }) => [name, id]));
    for (const [emoji, second] of Object.entries(SECOND_CATEGORY)) {
      const first = GLYPH_CATEGORIES.find((category) => category.emoji?.includes(emoji))!;
      const shown = json.annotations.filter(({ glyph }) => glyph.endsWith(`:${emoji}`));
      expect(shown.length, emoji).toBeGreaterThan(0);
      expect(shown.filter(({ category_id }) => category_id === first.id).length).toBe(shown.length / 2);
      expect(shown.filter(({ category_id }) => category_id === idOf.get(second)).length).toBe(shown.length / 2);
    }
  });

  it("hold an icon family out of training and show it alone in a validation set", async () => {
    const train = await generate({ heldOutFamily: "fluent-emoji-flat" });
    const held = await generate({ split: "val", families: ["fluent-emoji-flat"] });
    const families = (file: string) => new Set(read(file).annotations.map(({ glyph }) => glyph.split(":")[0]));
    expect(families(train.annotations)).toEqual(new Set(["noto", "noto-v1"]));
    expect(families(held.annotations)).toEqual(new Set(["fluent-emoji-flat"]));
  });

  it("are JPEG pictures when larger", async () => {
    const { pictures } = await generate({ scenes: 2, imageSize: 160 });
    expect(readdirSync(pictures).sort()).toEqual(["000001.jpg", "000002.jpg"]);
  });
});

describe("the folder", () => {
  it("is kept when it holds the same scenes, made again when it does not", async () => {
    const out = join(base, "kept");
    const first = await generate({ out, scenes: 10 });
    expect(first.reused).toBe(false);
    expect(await generate({ out, scenes: 10, workers: 1 })).toEqual({ ...first, reused: true });
    rmSync(join(first.pictures, "000003.png"));
    expect(await generate({ out, scenes: 10 })).toEqual(first);
    writeFileSync(first.annotations, "{}");
    expect(await generate({ out, scenes: 10 })).toEqual(first);
    const larger = await generate({ out, scenes: 11 });
    expect(larger.reused).toBe(false);
    expect(readdirSync(larger.pictures)).toHaveLength(11);
  });

  it("is not touched when it holds anything else", async () => {
    const out = mkdtempSync(join(base, "foreign-"));
    writeFileSync(join(out, "thesis.txt"), "precious");
    await expect(generate({ out })).rejects.toThrow(DatasetError);
    await expect(generate({ out })).rejects.toThrow("holds 1 other files and would be replaced");
    expect(readdirSync(out)).toEqual(["thesis.txt"]);
  });

  it.each([0, 2])("does not appear after an abort (%i workers), and nothing else stays", async (workers) => {
    const parent = mkdtempSync(join(base, "aborted-"));
    const controller = new AbortController();
    const out = join(parent, "scenes");
    const generation = generate({
      out,
      scenes: 2000,
      workers,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error("enough")),
    });
    await expect(generation).rejects.toThrow("enough");
    expect(readdirSync(parent)).toEqual([]);
  });

  it("cannot be where a file is", async () => {
    const file = join(base, "file");
    writeFileSync(file, "");
    await expect(generate({ out: file })).rejects.toThrow("cannot be used as a folder");
    await expect(generate({ out: join(file, "below") })).rejects.toThrow(DatasetError);
    expect(existsSync(file)).toBe(true);
  });

  it("reports progress up to the end", async () => {
    const seen: number[] = [];
    await generate({ scenes: 70, onProgress: (done, total) => seen.push(done / total) });
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });
});

describe("generateEmojiScenes names a bad option", () => {
  const cases: readonly (readonly [Partial<EmojiScenesOptions>, string])[] = [
    [{ scenes: 0 }, "scenes must be an integer in 1 .. 1000000; got 0"],
    [{ classes: 10 as 20 }, "classes must be 20 or 80; got 10"],
    [{ split: "test" as "val" }, 'split must be "train" or "val"; got "test"'],
    [{ seed: 0.1 }, "seed must be an integer; got 0.1"],
    [{ imageSize: 8 }, "imageSize must be an integer in 16 .. 2048; got 8"],
    [{ objectScale: [0.5, 0.2] }, "objectScale must be [least, most] with 0 < least <= most <= 2; got [0.5,0.2]"],
    [{ families: ["noto", "twemoji" as "noto"] }, 'got "twemoji"'],
    [{ families: ["noto"], heldOutFamily: "noto" }, "no icon family is left to draw from"],
  ];
  it.each(cases)("%o", async (options, message) => {
    await expect(generate(options)).rejects.toThrow(message);
  });
});

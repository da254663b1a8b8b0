import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { annotatedFiles, tagStrip, writeAnnotated } from "../src/annotated-picture.js";
import { letter } from "../src/label-font.js";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "asl-annotated-"));
});

afterAll(() => rm(folder, { recursive: true }));

const red = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: { r: 255, g: 0, b: 0 } } });

describe("writeAnnotated", () => {
  it("keeps the picture and adds a strip with drawn tags below it", async () => {
    const source = path.join(folder, "red.png");
    const target = path.join(folder, "red-tagged.png");
    await red(600, 400).png().toFile(source);
    await writeAnnotated(source, [{ name: "cow", score: 0.9 }], target);

    const { data, info } = await sharp(target).raw().toBuffer({ resolveWithObject: true });
    expect(info.width).toBe(600);
    expect(info.height).toBeGreaterThan(400);
    expect([...data.subarray(0, 3)]).toEqual([255, 0, 0]);
    const strip = data.subarray(400 * 600 * 3);
    // the lettering is nearly white on dark
    expect(strip.some((value, index) => index % 3 === 0 && value > 230)).toBe(true);
  });

  it("enlarges a small picture until its tags can be read", async () => {
    const source = path.join(folder, "small.jpg");
    const target = path.join(folder, "small-tagged.jpg");
    await red(64, 32).jpeg().toFile(source);
    await writeAnnotated(source, [], target);
    expect((await sharp(target).metadata()).width).toBe(480);
  });

  it("leaves nothing behind when the folder is missing", async () => {
    const source = path.join(folder, "red.png");
    await red(8, 8).png().toFile(source);
    const target = path.join(folder, "none", "red.png");
    await expect(writeAnnotated(source, [], target)).rejects.toThrow(/none.red\.png.*folder/);
    expect(await readdir(folder)).not.toContain("none");
  });
});

describe("tagStrip", () => {
  const tags = Array.from({ length: 30 }, (_, index) => ({ name: `class number ${index}`, score: index / 30 }));

  it("wraps tags into as many rows as they need, none wider than the picture", () => {
    const { svg, height } = tagStrip(tags, 480);
    const lefts = [...svg.matchAll(/translate\((\d+) \d+\)"><rect width="(\d+)"/g)];
    expect(lefts).toHaveLength(30);
    for (const [, left, width] of lefts) expect(Number(left) + Number(width)).toBeLessThanOrEqual(480);
    expect(height).toBeGreaterThan(tagStrip(tags.slice(0, 1), 480).height);
  });

  it("draws names that look like markup as text", () => {
    // 人 is not in the font: the whole tag becomes a text element
    const { svg } = tagStrip([{ name: '人<script x="&">', score: 0.5 }], 480);
    expect(svg).toContain("人&lt;script x=");
    expect(svg).not.toContain("<script");
  });
});

describe("letter", () => {
  it("sets Latin, Greek and Cyrillic as outlines, wider for longer text", () => {
    for (const text of ["person 0.98", "ποδήλατο", "собака", "Äpfel & Öl"]) {
      const { path: outline, width } = letter(text, 20);
      expect(outline).toMatch(/^M/);
      expect(letter(text + text, 20).width).toBeGreaterThan(1.9 * width);
    }
  });

  it("leaves text with a character that the font lacks to the system", () => {
    expect(letter("自行车", 20).path).toBeNull();
  });
});

describe("annotatedFiles", () => {
  it("keeps names, tells apart those that meet, and writes only formats that it can", () => {
    const sources = ["a/cat.jpg", "b/cat.jpg", "c/CAT.JPG", "d/dog.tiff", "e/dog.webp"];
    expect([...annotatedFiles(sources, "out").values()].map((file) => path.basename(file))).toEqual([
      "cat.jpg",
      "cat-2.jpg",
      "CAT-3.JPG",
      "dog.jpg",
      "dog.webp",
    ]);
  });

  it("refuses to replace the pictures themselves", () => {
    expect(() => annotatedFiles(["a/cat.jpg"], "./a/")).toThrow(/would replace the picture a.cat\.jpg/);
  });
});

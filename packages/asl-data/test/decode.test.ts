import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AslError } from "asl-core";
import fc from "fast-check";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { decodePicture, decodePictureBytes } from "../src/decode.js";
import { PictureError, type PictureErrorReason } from "../src/errors.js";
import type { Picture } from "../src/picture.js";
import { type ResizeFilter, resize } from "../src/resize.js";
import { root, sha256 } from "./repository.js";

interface DecodeCase {
  readonly name: string;
  readonly size: readonly [number, number];
  readonly sha256: string;
  /** Base64. */
  readonly file: string;
}

const cases = (
  JSON.parse(readFileSync(join(root, "fixtures/preprocess/decode.json"), "utf8")) as { cases: DecodeCase[] }
).cases;

describe("decoding gives Pillow's bytes, turned upright", () => {
  it.each(cases)("$name", async (each) => {
    const { width, height, data } = await decodePictureBytes(Buffer.from(each.file, "base64"), each.name);
    expect([width, height]).toEqual(each.size);
    expect(sha256(data)).toBe(each.sha256);
  });
});

it("decodes and resizes in one to what the two steps give", async () => {
  for (const each of cases.filter(({ name }) => !name.includes("orientation"))) {
    const file = Buffer.from(each.file, "base64");
    for (const [width, height] of [
      [9, 30],
      [each.size[0], each.size[1]],
    ] as const) {
      const once = await decodePictureBytes(file, each.name, { resize: { width, height, filter: "bicubic" } });
      const twice = resize(await decodePictureBytes(file, each.name), width, height, "bicubic");
      expect([once.width, once.height, sha256(once.data)]).toEqual([width, height, sha256(twice.data)]);
    }
  }
});

it("decodes and resizes in one also where the next picture takes the memory", async () => {
  const files = cases.filter(({ name }) => name.startsWith("jpeg"));
  const side = fc.integer({ min: 1, max: 70 });
  const filter = fc.constantFrom<ResizeFilter>("bicubic", "bilinear");
  const work = fc.tuple(fc.constantFrom(...files), side, side, filter);
  await fc.assert(
    fc.asyncProperty(fc.array(work, { minLength: 2, maxLength: 4 }), async (all) => {
      const made: { once: Picture; twice: string }[] = [];
      for (const [each, width, height, filter] of all) {
        const file = Buffer.from(each.file, "base64");
        const twice = resize(await decodePictureBytes(file, each.name), width, height, filter);
        const once = await decodePictureBytes(file, each.name, { resize: { width, height, filter } });
        made.push({ once, twice: sha256(twice.data) });
      }
      for (const { once, twice } of made) expect(sha256(once.data)).toBe(twice);
    }),
    { numRuns: 60 },
  );
});

describe("what cannot be decoded is a PictureError with file, cause and advice", () => {
  const folder = mkdtempSync(join(tmpdir(), "asl-data-decode-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  async function failureOf(name: string, content?: Uint8Array | string, maxPixels?: number): Promise<PictureError> {
    const file = join(folder, name);
    if (content !== undefined) writeFileSync(file, content);
    const thrown: unknown = await decodePicture(file, maxPixels === undefined ? {} : { maxPixels }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(thrown).toBeInstanceOf(PictureError);
    expect(thrown).toBeInstanceOf(AslError);
    const error = thrown as PictureError;
    expect(error.file).toBe(file);
    expect(error.message.startsWith(`${file}: `)).toBe(true);
    return error;
  }

  const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * i * 7) % 251));
  const raw = { raw: { width: 64, height: 64, channels: 3 } } as const;

  it("a missing file", async () => {
    const { reason, message } = await failureOf("absent.jpg");
    expect(reason).toBe<PictureErrorReason>("missing");
    expect(message).toContain("no such file");
  });

  it("a folder", async () => {
    const { reason, message } = await failureOf(".");
    expect(reason).toBe<PictureErrorReason>("unreadable");
    expect(message).toContain("a folder, not a picture");
  });

  it("0 bytes", async () => {
    const { reason, message } = await failureOf("empty.png", "");
    expect(reason).toBe<PictureErrorReason>("empty");
    expect(message).toContain("empty (0 bytes)");
  });

  it("a text file named .jpg", async () => {
    const { reason, message } = await failureOf("text.jpg", "hello, I am text\n");
    expect(reason).toBe<PictureErrorReason>("format");
    expect(message).toContain('it starts with "hello, I am "');
  });

  it.each(["jpeg", "png", "webp"] as const)("a truncated %s, wherever it is cut", async (format) => {
    const whole = await sharp(noise, raw).toFormat(format).toBuffer();
    for (const part of [0.9, 0.5, 0.1]) {
      const { reason, message } = await failureOf(`cut-${part}.${format}`, whole.subarray(0, whole.length * part));
      expect(reason).toBe<PictureErrorReason>("damaged");
      expect(message).toMatch(/damaged or cut off after \d+ bytes/);
    }
  });

  it("more pixels than allowed", async () => {
    const { reason, message } = await failureOf("large.png", await sharp(noise, raw).png().toBuffer(), 4095);
    expect(reason).toBe<PictureErrorReason>("tooLarge");
    expect(message).toContain("64 x 64 = 4096 pixels, but the limit is 4095");
  });
});

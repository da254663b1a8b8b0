import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import sharp, { type JpegOptions } from "sharp";
import { describe, expect, it } from "vitest";
import { decodePictureBytes, decodeWithSharp } from "../src/decode.js";
import { PictureError } from "../src/errors.js";
import { decodeJpeg } from "../src/jpeg/decode.js";
import { exifOrientation } from "../src/jpeg/orientation.js";
import type { Picture } from "../src/picture.js";
import { pattern } from "./patterns.js";
import { root, sha256 } from "./repository.js";

interface JpegCase {
  readonly name: string;
  /** The decoder that takes the file. */
  readonly by: "kernels" | "sharp";
  readonly size: readonly [number, number];
  /** null: no two versions of libjpeg agree. */
  readonly sha256: string | null;
  /** Base64. */
  readonly file: string;
}

const { cases } = JSON.parse(readFileSync(join(root, "fixtures/preprocess/jpeg.json"), "utf8")) as {
  cases: JpegCase[];
};
const MOST = 2 ** 28;
const hashOf = (picture: Picture | undefined) =>
  picture && `${picture.width} x ${picture.height} ${sha256(picture.data)}`;

describe("JPEG files of libjpeg's encoder", () => {
  it.each(cases.filter((each) => each.sha256 !== null))("$name: Pillow's bytes", async (each) => {
    const picture = await decodePictureBytes(Buffer.from(each.file, "base64"), each.name);
    expect(hashOf(picture)).toBe(`${each.size.join(" x ")} ${each.sha256}`);
  });

  it("are decoded by the kernels unless they are rare", () => {
    const others = cases.filter(
      (each) => (decodeJpeg(Buffer.from(each.file, "base64"), MOST) ? "kernels" : "sharp") !== each.by,
    );
    expect(others.map(({ name }) => name)).toEqual([]);
  });

  it("are left to sharp when they have too many pixels", () => {
    const file = Buffer.from(cases[0]!.file, "base64");
    expect(decodeJpeg(file, 61 * 45)).toBeDefined();
    expect(decodeJpeg(file, 61 * 45 - 1)).toBeUndefined();
  });
});

describe("decodeJpeg and sharp agree", () => {
  const side = fc.integer({ min: 1, max: 80 });
  const options = fc.record({
    quality: fc.integer({ min: 1, max: 100 }),
    progressive: fc.boolean(),
    chromaSubsampling: fc.constantFrom("4:2:0", "4:4:4"),
    optimiseCoding: fc.boolean(),
    trellisQuantisation: fc.boolean(),
  });
  const encoded = (width: number, height: number, kind: "noise" | "smooth", settings: JpegOptions) =>
    sharp(pattern(kind, [width, height], 1).data, { raw: { width, height, channels: 3 } })
      .jpeg(settings)
      .toBuffer();

  it("about whole files", async () => {
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        fc.constantFrom("noise", "smooth"),
        options,
        async (width, height, kind, settings) => {
          const file = await encoded(width, height, kind, settings);
          const own = decodeJpeg(file, MOST);
          // libjpeg repeats the halved chroma of tiny pictures instead of interpolating it: rare, so sharp's
          if (own === undefined) expect([settings.chromaSubsampling, width < 5]).toEqual(["4:2:0", true]);
          else expect(hashOf(own)).toBe(hashOf(await decodeWithSharp(file, "file", MOST)));
        },
      ),
    );
  });

  it("about damaged files: what one byte changes is the same picture for both, or sharp's to judge", async () => {
    const files = cases.filter(({ by, name }) => by === "kernels" && name.includes("61 x 45"));
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), fc.nat(), fc.nat(255), async (each, place, value) => {
        const file = Buffer.from(each.file, "base64");
        file[place % file.length] = value;
        const own = decodeJpeg(file, MOST);
        if (own === undefined) return;
        taken++;
        expect(hashOf(own)).toBe(hashOf(await decodeWithSharp(file, "file", MOST)));
      }),
      { numRuns: 400 },
    );
    expect(taken).toBeGreaterThan(20);
  });

  it("about files cut off anywhere: neither takes them", async () => {
    for (const { file, name } of cases.filter((each) => each.by === "kernels" && each.name.includes("16 x 16"))) {
      const whole = Buffer.from(file, "base64");
      for (let length = 0; length < whole.length; length += 7) {
        const cut = whole.subarray(0, length);
        expect(decodeJpeg(cut, MOST), `${name}, ${length} bytes`).toBeUndefined();
        if (length % 13 === 0) await expect(decodeWithSharp(cut, name, MOST)).rejects.toThrow(PictureError);
      }
    }
  });

  describe("about what T.81 forbids: neither takes it", () => {
    const grey = Buffer.from(cases.find(({ name }) => name === "grey, 61 x 45 smooth")!.file, "base64");
    const refuse = async (file: Buffer) => {
      expect(decodeJpeg(file, MOST)).toBeUndefined();
      await expect(decodeWithSharp(file, "file", MOST)).rejects.toThrow(PictureError);
    };

    it("a Huffman code of ones only (annex C)", async () => {
      // marker, length, kind (DC 0), 16 counts: the standard table's last two codes are 11111110 and 111111110
      const counts = grey.indexOf(Buffer.from([0xff, 0xc4])) + 5;
      expect([...grey.subarray(counts, counts + 10)]).toEqual([0, 1, 5, 1, 1, 1, 1, 1, 1, 0]);
      const changed = Buffer.from(grey);
      changed.set([2, 0], counts + 7);
      await refuse(changed);
    });

    it("a restart interval of other than 16 bits (B.2.4.4)", async () => {
      const withSegment = (...segment: number[]) =>
        Buffer.concat([grey.subarray(0, 2), Buffer.from(segment), grey.subarray(2)]);
      const none = withSegment(0xff, 0xdd, 0, 4, 0, 0);
      expect(hashOf(decodeJpeg(none, MOST))).toBe(hashOf(decodeJpeg(grey, MOST)));
      await refuse(withSegment(0xff, 0xdd, 0, 5, 0, 0, 0));
      await refuse(withSegment(0xff, 0xdd, 0, 6, 0, 0, 0, 0));
    });
  });
});

describe("exifOrientation", () => {
  const tiff = (order: "II" | "MM", tag: number, value: number) => {
    const little = order === "II";
    const view = new DataView(new ArrayBuffer(26));
    view.setUint16(0, little ? 0x4949 : 0x4d4d);
    view.setUint16(2, 42, little);
    view.setUint32(4, 8, little);
    view.setUint16(8, 1, little);
    view.setUint16(10, tag, little);
    view.setUint16(12, 3, little);
    view.setUint32(14, 1, little);
    view.setUint16(18, value, little);
    return new Uint8Array(view.buffer);
  };

  it("reads both byte orders; none is upright; what is cut off is unknown", () => {
    for (const order of ["II", "MM"] as const) {
      expect(exifOrientation(tiff(order, 0x0112, 6))).toBe(6);
      expect(exifOrientation(tiff(order, 0x0110, 6))).toBe(1);
      for (let length = 0; length < 22; length++) {
        expect(exifOrientation(tiff(order, 0x0112, 6).subarray(0, length))).toBeUndefined();
      }
    }
  });
});

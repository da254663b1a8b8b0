import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { type AffineMatrix, type Colour, type Interpolation, transformAffine } from "../src/augment/affine.js";
import { flipHorizontally } from "../src/augment/flip.js";
import { applyOperation, type RandAugmentOperation } from "../src/augment/rand-augment.js";
import { decodePictureBytes } from "../src/decode.js";
import { openWorkspace } from "../src/kernels/instance.js";
import { type Picture, toTensor } from "../src/picture.js";
import { type ResizeFilter, resize } from "../src/resize.js";
import { type PatternKind, pattern } from "./patterns.js";
import { root, sha256 } from "./repository.js";

vi.mock("../src/kernels/instance.js", () => ({ openWorkspace: () => undefined, addressOf: () => undefined }));

const read = <T>(name: string) => JSON.parse(readFileSync(join(root, "fixtures/preprocess", name), "utf8")) as T;

interface Case {
  readonly pattern: PatternKind;
  readonly size: readonly [number, number];
  readonly interpolation: Interpolation;
  readonly sha256: string;
}

const pictures = new Map<string, Picture>();
function pictureOf({ pattern: kind, size }: Case): Picture {
  const key = `${kind} ${size}`;
  const picture = pictures.get(key) ?? pattern(kind, size, 1);
  pictures.set(key, picture);
  return picture;
}

describe("where there is no WebAssembly SIMD the bytes are Pillow's all the same", () => {
  it("(there is none here)", () => {
    expect(openWorkspace([1])).toBeUndefined();
  });

  it("RandAugment's operations and affine maps", () => {
    const { operations, affine } = read<{
      operations: (Case & { operation: RandAugmentOperation; magnitude: number; sign: -1 | 1 })[];
      affine: (Case & { matrix: AffineMatrix; fill: Colour | null })[];
    }>("augment.json");
    expect(operations.length).toBeGreaterThan(300);
    const wrong = operations.filter(({ operation, magnitude, sign, interpolation, ...each }) => {
      const options = { interpolation, fill: [128, 128, 128] } as const;
      const result = applyOperation(pictureOf({ interpolation, ...each }), operation, magnitude, sign, options);
      return sha256(result.data) !== each.sha256;
    });
    expect(wrong).toEqual([]);
    const mapped = affine.filter(({ matrix, interpolation, fill, ...each }) => {
      const options = { interpolation, ...(fill === null ? {} : { fill }) };
      return sha256(transformAffine(pictureOf({ interpolation, ...each }), matrix, options).data) !== each.sha256;
    });
    expect(mapped).toEqual([]);
  });

  it("resize", () => {
    const { cases } = read<{
      cases: (Omit<Case, "size"> & {
        seed: number;
        source: [number, number];
        target: [number, number];
        filter: ResizeFilter;
      })[];
    }>("resize.json");
    const wrong = cases.filter(
      (each) =>
        sha256(resize(pattern(each.pattern, each.source, each.seed), ...each.target, each.filter).data) !== each.sha256,
    );
    expect(wrong).toEqual([]);
  });

  it("JPEG files", async () => {
    const { cases } = read<{ cases: { name: string; sha256: string | null; file: string }[] }>("jpeg.json");
    for (const each of cases.filter(({ name }) => name.includes("61 x 45"))) {
      const { data } = await decodePictureBytes(Buffer.from(each.file, "base64"), each.name);
      expect(sha256(data), each.name).toBe(each.sha256);
    }
  });

  it("tensors and flips", () => {
    const picture = pattern("noise", [3, 1], 1);
    const tensor = new Float32Array(9);
    toTensor(picture, tensor);
    expect([...tensor]).toEqual([0, 3, 6, 1, 4, 7, 2, 5, 8].map((i) => Math.fround(picture.data[i]! / 255)));
    expect([...flipHorizontally(picture).data]).toEqual([6, 7, 8, 3, 4, 5, 0, 1, 2].map((i) => picture.data[i]!));
  });
});

import { createRandom } from "asl-core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { augmentationOf } from "../src/augment/augmentation.js";
import { recyclePixels, takePixels } from "../src/pixel-pool.js";
import { pattern } from "./patterns.js";
import { sha256 } from "./repository.js";

describe("the pool of pixels", () => {
  it("gives back what was recycled, once, and only at its size", () => {
    const pixels = new Uint8Array(33).fill(7);
    recyclePixels(pixels);
    expect(takePixels(34).buffer).not.toBe(pixels.buffer);
    expect(takePixels(33).buffer).toBe(pixels.buffer);
    expect(takePixels(33).buffer).not.toBe(pixels.buffer);
  });

  it("takes no part of a larger buffer and no shared memory", () => {
    const part = new Uint8Array(40).subarray(0, 35);
    const shared = new Uint8Array(new SharedArrayBuffer(35));
    recyclePixels(part);
    recyclePixels(shared);
    expect([part.buffer, shared.buffer]).not.toContain(takePixels(35).buffer);
  });

  it("changes no augmentation, whatever was recycled in between", () => {
    const augmentation = augmentationOf([
      { kind: "horizontalFlip" },
      { kind: "randAugment", operations: 3 },
      { kind: "cutout" },
    ]);
    const picture = pattern("noise", [16, 16], 1);
    const before = sha256(picture.data);
    const results = Array.from({ length: 60 }, (_, seed) => augmentation(picture, createRandom(seed)));
    const hashes = results.map(({ data }) => sha256(data));
    fc.assert(
      fc.property(fc.nat(59), fc.nat(255), (seed, value) => {
        const again = augmentation(picture, createRandom(seed));
        expect(sha256(again.data)).toBe(hashes[seed]);
        if (again.data !== picture.data) recyclePixels(again.data.fill(value));
      }),
    );
    expect(results.map(({ data }) => sha256(data))).toEqual(hashes);
    expect(sha256(picture.data)).toBe(before);
  });
});

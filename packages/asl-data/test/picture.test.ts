import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toTensor } from "../src/picture.js";

describe("toTensor", () => {
  it("writes value / 255 of each channel as a plane", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.nat(3), (width, height, row) => {
        const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37 + row) % 256);
        const size = data.length;
        const target = new Float32Array(size * 5).fill(-1);
        toTensor({ width, height, data }, target, row * size);
        for (let channel = 0; channel < 3; channel++) {
          for (let pixel = 0; pixel < width * height; pixel++) {
            const written = target[row * size + channel * width * height + pixel];
            expect(written).toBe(Math.fround(Math.fround(data[pixel * 3 + channel]!) / Math.fround(255)));
          }
        }
        expect(target.subarray(0, row * size).every((value) => value === -1)).toBe(true);
        expect(target.subarray((row + 1) * size).every((value) => value === -1)).toBe(true);
      }),
    );
  });

  it("refuses what does not fit", () => {
    const picture = { width: 2, height: 2, data: new Uint8Array(12) };
    expect(() => toTensor(picture, new Float32Array(11))).toThrow("do not fit into a target of 11");
    expect(() => toTensor(picture, new Float32Array(24), 13)).toThrow("elements 13 .. 25 do not fit");
    expect(() => toTensor({ ...picture, data: new Uint8Array(4) }, new Float32Array(12))).toThrow(
      "has 12 bytes; got 4",
    );
  });
});

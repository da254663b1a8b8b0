import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { openWorkspace } from "../src/kernels/instance.js";
import { resizeInKernels } from "../src/kernels/resize.js";
import { toTensorInKernels } from "../src/kernels/tensor.js";
import { toTensorScalar } from "../src/picture.js";
import { resizeScalar } from "../src/resize-scalar.js";
import { type ResizeFilter, tapsOf } from "../src/resize-taps.js";
import { pattern } from "./patterns.js";
import { root } from "./repository.js";

/** toEqual looks at every element by itself, which takes seconds here. */
const equal = (a: NodeJS.TypedArray | undefined, b: NodeJS.TypedArray | undefined) =>
  a !== undefined && b !== undefined && bytesOf(a).equals(bytesOf(b));
const bytesOf = (array: NodeJS.TypedArray) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

describe("the kernels in WebAssembly", () => {
  it("are those of the sources in kernels/ (else: node compile-kernels.mjs)", async () => {
    const { compileKernels } = (await import("../compile-kernels.mjs" as string)) as {
      compileKernels: () => Promise<string>;
    };
    const committed = readFileSync(join(root, "packages/asl-data/src/kernels/binary.ts"), "utf8");
    expect(committed).toBe(await compileKernels());
  });

  it("leave to JavaScript what would need more memory than they keep", () => {
    expect(openWorkspace([2 ** 27, 2 ** 27])).toBeUndefined();
    expect(openWorkspace([2 ** 40])).toBeUndefined();
  });

  it("leave to JavaScript what the system has no memory for; other errors are nobody's", () => {
    const { memory } = openWorkspace([1])!.kernels;
    const grow = vi.spyOn(memory, "grow");
    onTestFinished(() => grow.mockRestore());
    const larger = memory.buffer.byteLength + 1;
    grow.mockImplementation(() => {
      throw new RangeError("WebAssembly.Memory.grow(): Unable to grow instance memory");
    });
    expect(openWorkspace([larger])).toBeUndefined();
    grow.mockImplementation(() => {
      throw new TypeError("not a number");
    });
    expect(() => openWorkspace([larger])).toThrow(TypeError);
  });

  const side = fc.integer({ min: 1, max: 70 });
  const sides = fc
    .tuple(side, side, side, side)
    .filter(([width, height, newWidth, newHeight]) => width !== newWidth || height !== newHeight);
  const filter = fc.constantFrom<ResizeFilter>("bicubic", "bilinear");

  it("resize as JavaScript does, also where weights overshoot", () => {
    fc.assert(
      fc.property(sides, filter, fc.constantFrom("noise", "extremes"), fc.nat(), (sizes, by, kind, seed) => {
        const [width, height, newWidth, newHeight] = sizes;
        const { data } = pattern("noise", [width, height], seed);
        const picture = { width, height, data: kind === "noise" ? data : data.map((value) => (value < 128 ? 0 : 255)) };
        const rows = width === newWidth ? undefined : tapsOf(width, newWidth, by);
        const columns = height === newHeight ? undefined : tapsOf(height, newHeight, by);
        expect(equal(resizeInKernels(picture, rows, columns), resizeScalar(picture, rows, columns))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it("resize with hundreds of taps as JavaScript does", () => {
    const picture = pattern("noise", [1201, 701], 3);
    for (const by of ["bicubic", "bilinear"] as const) {
      const [rows, columns] = [tapsOf(1201, 3, by), tapsOf(701, 2, by)];
      expect(equal(resizeInKernels(picture, rows, columns), resizeScalar(picture, rows, columns))).toBe(true);
    }
  });

  it("make the tensor that JavaScript makes, whatever its length", () => {
    const pixels = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 4090, max: 8200 }));
    fc.assert(
      fc.property(pixels, fc.nat(5), fc.nat(), (count, offset, seed) => {
        const { data } = pattern("noise", [count, 1], seed);
        const [kernel, scalar] = [0, 1].map(() => new Float32Array(data.length + offset + 3).fill(-1));
        expect(toTensorInKernels(data, kernel!, offset)).toBe(true);
        toTensorScalar(data, scalar!, offset);
        expect(equal(kernel, scalar)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

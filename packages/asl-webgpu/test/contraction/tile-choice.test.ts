import { type Shape, ShapeError } from "asl-core";
import { describe, expect, it } from "vitest";
import type { Tile, Tuning } from "../../src/contraction/index.js";
import { LIMITS, plan } from "./one-plan.js";

describe("tiles of contractions", () => {
  it("refuses more elements than an index holds, with the numbers", () => {
    const large = () =>
      plan(
        "matmul",
        [
          [65536, 1],
          [1, 65536],
        ],
        {},
      );
    expect(large).toThrow(ShapeError);
    expect(large).toThrow(
      "matmul: [65536,65536] has 4294967296 elements; WebGPU kernels index at most 2147483647 (test)",
    );
  });

  it("refuses a tile that the device cannot run, with the numbers", () => {
    const tile: Tile = { from: "buffers", threads: [64, 8], rows: 1, columns: 1, splits: 1 };
    expect(() =>
      plan(
        "matmul",
        [
          [4, 8],
          [8, 4],
        ],
        {},
        { tile },
      ),
    ).toThrow("matmul: its tile has 64x8 invocations; the device allows 256x256, 256 in all (test)");
    expect(() =>
      plan(
        "matmul",
        [
          [4, 8],
          [8, 4],
        ],
        {},
        { tile: { ...tile, from: "quads" } },
      ),
    ).toThrow("256 in all");
  });

  it("refuses a tile that workgroup memory has no room for, and one that is not in fours", () => {
    const tile: Tile = { from: "workgroup", threads: [16, 16], rows: 8, columns: 8, splits: 1, terms: 64 };
    const shapes = [
      [4, 8],
      [8, 4],
    ];
    expect(() => plan("matmul", shapes, {}, { tile })).toThrow(
      "matmul: its tile takes 65536 bytes of workgroup memory; the device has 32768 (test)",
    );
    expect(() => plan("matmul", shapes, {}, { tile: { ...tile, rows: 6 } })).toThrow(
      "a tile from workgroup memory has rows, columns and terms in fours; got 6, 8 and 64",
    );
  });

  it("goes through workgroup memory on a GPU, where there is enough to fill it, and never in software", () => {
    const shapes = [
      [256, 256],
      [256, 196],
    ];
    const isThroughMemory = (tuning: Partial<Tuning>, of: readonly Shape[] = shapes) =>
      plan("matmul", of, {}, tuning).dispatches[0]!.wgsl.includes("var<workgroup>");
    expect(isThroughMemory({})).toBe(true);
    expect(isThroughMemory({ subgroupSize: 32 })).toBe(true);
    expect(isThroughMemory({ limits: { ...LIMITS, maxComputeWorkgroupStorageSize: 1024 } })).toBe(false);
    expect(isThroughMemory({ isSoftware: true })).toBe(false);
    expect(isThroughMemory({ subgroupSize: 4 })).toBe(false);
    expect(
      isThroughMemory({}, [
        [1, 256],
        [256, 196],
      ]),
    ).toBe(false);
  });

  it("spreads more workgroups than a dimension allows, and splits terms where workgroups are few", () => {
    const limits = { ...LIMITS, maxComputeWorkgroupsPerDimension: 4 };
    const { dispatches } = plan(
      "matmul",
      [
        [5, 16, 4],
        [5, 4, 64],
      ],
      {},
      { limits },
    );
    expect(dispatches[0]!.workgroups.every((count) => count <= 4)).toBe(true);
    expect(
      plan(
        "matmul",
        [
          [1, 4096],
          [4096, 80],
        ],
        {},
      ).dispatches.map(({ isLast }) => isLast),
    ).toEqual([false, true]);
  });
});

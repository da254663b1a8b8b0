import { type AttrsOf, type Shape, ShapeError } from "asl-core";
import { describe, expect, it } from "vitest";
import { graphOf } from "../../../../test/contract.js";
import type { ContractionOp, Tile, Tuning } from "../../src/contraction/index.js";
import { planOf } from "./one-contraction.js";

const LIMITS = {
  maxComputeWorkgroupsPerDimension: 65535,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupStorageSize: 32768,
};

function plan<K extends ContractionOp>(
  op: K,
  shapes: readonly Shape[],
  attrs: AttrsOf<K>,
  tuning: Partial<Tuning> = {},
) {
  const types = shapes.map((shape) => ({ dtype: "f32" as const, shape }));
  return planOf({ graph: graphOf(op, types, attrs) }, { limits: LIMITS, ...tuning });
}

const SAME = {
  strides: [1, 1],
  padding: [
    [1, 1],
    [1, 1],
  ],
  dilations: [1, 1],
  groups: 1,
} as const;
const kernelOf = ({ dispatches }: ReturnType<typeof plan>) =>
  dispatches[0]!.wgsl.slice(dispatches[0]!.wgsl.indexOf("fn main"));

describe("kernels of contractions", () => {
  it("a product of two elements by quads", () => {
    const tile: Tile = { from: "quads", threads: [4, 1], rows: 4, columns: 1, splits: 1 };
    expect(
      kernelOf(
        plan(
          "matmul",
          [
            [4, 8],
            [8, 4],
          ],
          {},
          { tile, subgroupSize: 4 },
        ),
      ),
    ).toMatchInlineSnapshot(`
      "fn main(
        @builtin(workgroup_id) workgroup_id: vec3<u32>,
        @builtin(local_invocation_id) local: vec3<u32>,
        @builtin(subgroup_invocation_id) lane: u32,
      ) {
        let workgroup = workgroup_id;
        let batch = workgroup.z;
        let row = workgroup.y * 4u + local.y * 4u;
        let column = workgroup.x * 4u + local.x;
        let quarter = lane % 4u;
        let m0_m = i32(min(row + 0u + quarter, 3u));
        let n0_n = i32(min(column + 0u, 3u));
        let a0_fixed = m0_m * 8;
        let b0_fixed = n0_n;
        var sum0_0 = 0.0;
        var sum1_0 = 0.0;
        var sum2_0 = 0.0;
        var sum3_0 = 0.0;
        for (var k = 0; k < 8; k++) {
          let a_step = k;
          let b_step = k * 4;
          let a0 = x0[u32(a0_fixed + a_step)];
          let b0 = x1[u32(b0_fixed + b_step)];
          let row0 = quadBroadcast(a0, 0u);
          let row1 = quadBroadcast(a0, 1u);
          let row2 = quadBroadcast(a0, 2u);
          let row3 = quadBroadcast(a0, 3u);
          sum0_0 += row0 * b0;
          sum1_0 += row1 * b0;
          sum2_0 += row2 * b0;
          sum3_0 += row3 * b0;
        }
        let to0_n = i32(column + 0u);
        if (row + 0u < 4u) {
          let to_m = i32(row + 0u);
          if (column + 0u < 4u) {
            y[u32(to_m * 4 + to0_n)] = select(sum0_0, 0.0, sum0_0 == 0.0);
          }
        }
        if (row + 1u < 4u) {
          let to_m = i32(row + 1u);
          if (column + 0u < 4u) {
            y[u32(to_m * 4 + to0_n)] = select(sum1_0, 0.0, sum1_0 == 0.0);
          }
        }
        if (row + 2u < 4u) {
          let to_m = i32(row + 2u);
          if (column + 0u < 4u) {
            y[u32(to_m * 4 + to0_n)] = select(sum2_0, 0.0, sum2_0 == 0.0);
          }
        }
        if (row + 3u < 4u) {
          let to_m = i32(row + 3u);
          if (column + 0u < 4u) {
            y[u32(to_m * 4 + to0_n)] = select(sum3_0, 0.0, sum3_0 == 0.0);
          }
        }
      }
      "
    `);
  });

  it("a product through workgroup memory, read and kept in fours", () => {
    const tile: Tile = { from: "workgroup", threads: [2, 1], rows: 4, columns: 4, splits: 1, terms: 4 };
    const shapes = [
      [4, 8],
      [8, 6],
    ];
    expect(kernelOf(plan("matmul", shapes, {}, { tile }))).toMatchInlineSnapshot(`
      "fn main(
        @builtin(workgroup_id) workgroup_id: vec3<u32>,
        @builtin(local_invocation_id) local: vec3<u32>,
      ) {
        let workgroup = workgroup_id;
        let batch = workgroup.z;
        let invocation = local.y * 2u + local.x;
        var total0_0 = vec4<f32>();
        var total1_0 = vec4<f32>();
        var total2_0 = vec4<f32>();
        var total3_0 = vec4<f32>();
        for (var first = 0u; first < 8u; first += 4u) {
          workgroupBarrier();
          for (var unit = invocation; unit < 1u; unit += 2u) {
            let four = unit / 1u;
            let start = first + unit % 1u * 4u;
            let t_k = i32(min(start, 4u));
            let o0_m = i32(min(workgroup.y * 4u + four * 4u + 0u, 3u));
            let vector0 = select(vec4<f32>(), four0[(u32(o0_m * 8 + t_k)) / 4u], start < 8u);
            let o1_m = i32(min(workgroup.y * 4u + four * 4u + 1u, 3u));
            let vector1 = select(vec4<f32>(), four0[(u32(o1_m * 8 + t_k)) / 4u], start < 8u);
            let o2_m = i32(min(workgroup.y * 4u + four * 4u + 2u, 3u));
            let vector2 = select(vec4<f32>(), four0[(u32(o2_m * 8 + t_k)) / 4u], start < 8u);
            let o3_m = i32(min(workgroup.y * 4u + four * 4u + 3u, 3u));
            let vector3 = select(vec4<f32>(), four0[(u32(o3_m * 8 + t_k)) / 4u], start < 8u);
            a_tile[(unit % 1u * 4u + 0u) * 1u + four] = vec4<f32>(vector0[0], vector1[0], vector2[0], vector3[0]);
            a_tile[(unit % 1u * 4u + 1u) * 1u + four] = vec4<f32>(vector0[1], vector1[1], vector2[1], vector3[1]);
            a_tile[(unit % 1u * 4u + 2u) * 1u + four] = vec4<f32>(vector0[2], vector1[2], vector2[2], vector3[2]);
            a_tile[(unit % 1u * 4u + 3u) * 1u + four] = vec4<f32>(vector0[3], vector1[3], vector2[3], vector3[3]);
          }
          for (var unit = invocation; unit < 8u; unit += 2u) {
            let t_k = i32(min(first + unit / 2u, 7u));
            let o0_n = i32(min(workgroup.x * 8u + unit % 2u * 4u + 0u, 5u));
            let o1_n = i32(min(workgroup.x * 8u + unit % 2u * 4u + 1u, 5u));
            let o2_n = i32(min(workgroup.x * 8u + unit % 2u * 4u + 2u, 5u));
            let o3_n = i32(min(workgroup.x * 8u + unit % 2u * 4u + 3u, 5u));
            b_tile[unit] = select(vec4<f32>(), vec4<f32>(x1[u32(t_k * 6 + o0_n)], x1[u32(t_k * 6 + o1_n)], x1[u32(t_k * 6 + o2_n)], x1[u32(t_k * 6 + o3_n)]), first + unit / 2u < 8u);
          }
          workgroupBarrier();
          for (var term = 0u; term < 4u; term++) {
            let a0 = a_tile[term * 1u + local.y * 1u + 0u];
            let b0 = b_tile[term * 2u + local.x + 0u];
            total0_0 += a0[0] * b0;
            total1_0 += a0[1] * b0;
            total2_0 += a0[2] * b0;
            total3_0 += a0[3] * b0;
          }
        }
        let row = workgroup.y * 4u + local.y * 4u;
        let column = workgroup.x * 8u + local.x * 4u;
        let sum0_0 = total0_0[0];
        let sum0_1 = total0_0[1];
        let sum0_2 = total0_0[2];
        let sum0_3 = total0_0[3];
        let sum1_0 = total1_0[0];
        let sum1_1 = total1_0[1];
        let sum1_2 = total1_0[2];
        let sum1_3 = total1_0[3];
        let sum2_0 = total2_0[0];
        let sum2_1 = total2_0[1];
        let sum2_2 = total2_0[2];
        let sum2_3 = total2_0[3];
        let sum3_0 = total3_0[0];
        let sum3_1 = total3_0[1];
        let sum3_2 = total3_0[2];
        let sum3_3 = total3_0[3];
        let to0_n = i32(column + 0u);
        let to1_n = i32(column + 1u);
        let to2_n = i32(column + 2u);
        let to3_n = i32(column + 3u);
        if (row + 0u < 4u) {
          let to_m = i32(row + 0u);
          if (column + 0u < 6u) {
            y[u32(to_m * 6 + to0_n)] = select(sum0_0, 0.0, sum0_0 == 0.0);
          }
          if (column + 1u < 6u) {
            y[u32(to_m * 6 + to1_n)] = select(sum0_1, 0.0, sum0_1 == 0.0);
          }
          if (column + 2u < 6u) {
            y[u32(to_m * 6 + to2_n)] = select(sum0_2, 0.0, sum0_2 == 0.0);
          }
          if (column + 3u < 6u) {
            y[u32(to_m * 6 + to3_n)] = select(sum0_3, 0.0, sum0_3 == 0.0);
          }
        }
        if (row + 1u < 4u) {
          let to_m = i32(row + 1u);
          if (column + 0u < 6u) {
            y[u32(to_m * 6 + to0_n)] = select(sum1_0, 0.0, sum1_0 == 0.0);
          }
          if (column + 1u < 6u) {
            y[u32(to_m * 6 + to1_n)] = select(sum1_1, 0.0, sum1_1 == 0.0);
          }
          if (column + 2u < 6u) {
            y[u32(to_m * 6 + to2_n)] = select(sum1_2, 0.0, sum1_2 == 0.0);
          }
          if (column + 3u < 6u) {
            y[u32(to_m * 6 + to3_n)] = select(sum1_3, 0.0, sum1_3 == 0.0);
          }
        }
        if (row + 2u < 4u) {
          let to_m = i32(row + 2u);
          if (column + 0u < 6u) {
            y[u32(to_m * 6 + to0_n)] = select(sum2_0, 0.0, sum2_0 == 0.0);
          }
          if (column + 1u < 6u) {
            y[u32(to_m * 6 + to1_n)] = select(sum2_1, 0.0, sum2_1 == 0.0);
          }
          if (column + 2u < 6u) {
            y[u32(to_m * 6 + to2_n)] = select(sum2_2, 0.0, sum2_2 == 0.0);
          }
          if (column + 3u < 6u) {
            y[u32(to_m * 6 + to3_n)] = select(sum2_3, 0.0, sum2_3 == 0.0);
          }
        }
        if (row + 3u < 4u) {
          let to_m = i32(row + 3u);
          if (column + 0u < 6u) {
            y[u32(to_m * 6 + to0_n)] = select(sum3_0, 0.0, sum3_0 == 0.0);
          }
          if (column + 1u < 6u) {
            y[u32(to_m * 6 + to1_n)] = select(sum3_1, 0.0, sum3_1 == 0.0);
          }
          if (column + 2u < 6u) {
            y[u32(to_m * 6 + to2_n)] = select(sum3_2, 0.0, sum3_2 == 0.0);
          }
          if (column + 3u < 6u) {
            y[u32(to_m * 6 + to3_n)] = select(sum3_3, 0.0, sum3_3 == 0.0);
          }
        }
      }
      "
    `);
  });

  it("a convolution checks its windows once for all channels", () => {
    const tile: Tile = { from: "buffers", threads: [8, 1], rows: 1, columns: 1, splits: 1 };
    expect(
      kernelOf(
        plan(
          "conv2d",
          [
            [1, 8, 5, 5],
            [2, 8, 3, 3],
          ],
          SAME,
          { tile },
        ),
      ),
    ).toMatchInlineSnapshot(`
      "fn main(
        @builtin(workgroup_id) workgroup_id: vec3<u32>,
        @builtin(local_invocation_id) local: vec3<u32>,
      ) {
        let workgroup = workgroup_id;
        let batch = workgroup.z;
        let row = workgroup.y * 1u + local.y * 1u;
        let column = workgroup.x * 8u + local.x;
        let m0_o = i32(min(row + 0u, 1u));
        let n0_j = i32((min(column + 0u, 24u)) % 5u);
        let n0_i = i32((min(column + 0u, 24u)) / 5u);
        let a0_fixed = m0_o * 72;
        let b0_fixed = 0;
        let b0_fixed0 = n0_i + -1;
        let b0_fixed1 = n0_j + -1;
        var sum0_0 = 0.0;
        for (var u = 0; u < 3; u++) {
          for (var v = 0; v < 3; v++) {
            let b0_at0 = b0_fixed0 + u;
            let b0_in0 = u32(b0_at0) < 5u;
            let b0_at1 = b0_fixed1 + v;
            let b0_in1 = u32(b0_at1) < 5u;
            let b0_inside = b0_in0 && b0_in1;
            let b0_placed = select(0, b0_fixed + b0_at0 * 5 + b0_at1 * 1, b0_inside);
            for (var c = 0; c < 8; c++) {
              let a_step = c * 9 + u * 3 + v;
              let b_step = c * 25;
              let a0 = x1[u32(a0_fixed + a_step)];
              let b0 = select(0.0, x0[u32(b0_placed + b_step)], b0_inside);
              sum0_0 += a0 * b0;
            }
          }
        }
        let to0_j = i32((column + 0u) % 5u);
        let to0_i = i32((column + 0u) / 5u);
        if (row + 0u < 2u) {
          let to_o = i32(row + 0u);
          if (column + 0u < 25u) {
            y[u32(to_o * 25 + to0_i * 5 + to0_j)] = select(sum0_0, 0.0, sum0_0 == 0.0);
          }
        }
      }
      "
    `);
  });

  it("a 1x1 convolution is a matrix product", () => {
    const { dispatches } = plan(
      "conv2d",
      [
        [1, 8, 5, 5],
        [4, 8, 1, 1],
      ],
      {
        ...SAME,
        padding: [
          [0, 0],
          [0, 0],
        ],
      },
    );
    expect(dispatches[0]!.label).toBe("conv2d m 4 n 25 k 8");
    expect(dispatches[0]!.wgsl).not.toContain("inside");
  });

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

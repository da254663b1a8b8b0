import { describe, expect, it } from "vitest";
import type { Tile } from "../../src/contraction/index.js";
import { kernelOf, plan, SAME } from "./one-plan.js";

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
});

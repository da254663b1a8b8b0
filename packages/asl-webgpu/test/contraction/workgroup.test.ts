import { describe, expect, it } from "vitest";
import type { Tile } from "../../src/contraction/index.js";
import { kernelOf, plan } from "./one-plan.js";

describe("kernels through workgroup memory", () => {
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
});

import { add, type Builder, build, type Graph, max, mul, reduceSum, type Value } from "asl-core";
import { describe, expect, it } from "vitest";
import { explain } from "../src/plan/explain.js";
import { planProgram } from "../src/plan/program-plan.js";
import { defaultTarget } from "../src/plan/target.js";

const planOf = (graph: Graph) => planProgram({ graph, reads: {}, writes: {}, finite: [] }, defaultTarget());
const wgslOf = (graph: Graph) => planOf(graph).kernels.map(({ dispatches }) => dispatches.map(({ wgsl }) => wgsl));
const matrix = { dtype: "f32", shape: [6, 4] } as const;
const perChannel = (b: Builder, x: Value, shape: readonly number[]) => b.apply("broadcast", [x], { shape, axes: [1] });

describe("kernels", () => {
  it("a chain of elementwise ops is one kernel; every result that is computed with is held", () => {
    const graph = build((b) => {
      const [x, y] = [b.input("x", matrix), b.input("y", matrix)];
      return { z: max(add(mul(x, y), 0.5), y) };
    });
    expect(wgslOf(graph)[0]![0]).toMatchInlineSnapshot(`
      "@group(0) @binding(0) var<storage, read> in0: array<f32>;
      @group(0) @binding(1) var<storage, read> in1: array<f32>;
      @group(0) @binding(2) var<storage, read_write> out2: array<f32>;
      @group(0) @binding(3) var<uniform> zero: u32;

      fn held(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ zero); }
      fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
      fn signed_place(x: f32) -> i32 {
        let bits = bitcast<i32>(x);
        return bits ^ ((bits >> 31u) & 0x7fffffff);
      }
      fn max_f32(a: f32, b: f32) -> f32 {
        return select(b, a, is_nan(a) || (!is_nan(b) && signed_place(a) > signed_place(b)));
      }

      @compute @workgroup_size(64)
      fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
        let i = workgroup.x * 64u + local;
        if (i >= 24u) { return; }
        let v0 = in0[i];
        let v1 = in1[i];
        let v2 = held(v0 * v1);
        let v3 = held(v2 + 0.5f);
        let v4 = max_f32(v3, v1);
        out2[i] = v4;
      }
      "
    `);
  });

  it("views, slices, padding and transposition are arithmetic on indices", () => {
    const graph = build((b) => {
      const x = b.input("x", matrix);
      const turned = b.apply("transpose", [x], { permutation: [1, 0] });
      const cut = b.apply("slice", [turned], { starts: [1, 0], ends: [3, 6] });
      const padded = b.apply("pad", [cut], { low: [1, 0], high: [1, 0], mode: "constant", value: -1 });
      return { z: add(padded, b.apply("reshape", [x], { shape: [4, 6] })) };
    });
    expect(wgslOf(graph)).toHaveLength(1);
    expect(wgslOf(graph)[0]![0]).toMatchInlineSnapshot(`
      "@group(0) @binding(0) var<storage, read> in0: array<f32>;
      @group(0) @binding(1) var<storage, read_write> out1: array<f32>;
      @group(0) @binding(2) var<uniform> zero: u32;

      @compute @workgroup_size(64)
      fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
        let i = workgroup.x * 64u + local;
        if (i >= 24u) { return; }
        let v0 = i / 6u;
        let v1 = i % 6u;
        var v2: f32 = (-1.0f);
        if ((v0 - 1u) < 2u) {
          let v3 = v1 * 4u + ((v0 - 1u) + 1u);
          let v4 = in0[v3];
          v2 = v4;
        }
        let v5 = in0[i];
        let v6 = v2 + v5;
        out1[i] = v6;
      }
      "
    `);
  });

  it("a sum computes its terms as it reads them, and what follows on its result", () => {
    const graph = build((b) => {
      const [x, y] = [b.input("x", { dtype: "f32", shape: [3, 100] }), b.input("y", { dtype: "f32", shape: [3, 100] })];
      return { mean: mul(reduceSum(mul(x, y), [1]), 0.01) };
    });
    expect(wgslOf(graph)).toHaveLength(1);
    expect(wgslOf(graph)[0]![0]).toMatchInlineSnapshot(`
      "@group(0) @binding(0) var<storage, read> in0: array<f32>;
      @group(0) @binding(1) var<storage, read> in1: array<f32>;
      @group(0) @binding(2) var<storage, read_write> out2: array<f32>;
      @group(0) @binding(3) var<uniform> zero: u32;

      fn held(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ zero); }

      fn term(o: u32, r: u32) -> f32 {
        let v0 = o * 100u + r;
        let v1 = in0[v0];
        let v2 = in1[v0];
        let v3 = held(v1 * v2);
        return v3;
      }

      fn store(o: u32, value: f32) {
        let v0 = held(value);
        let v1 = v0 * 0.009999999776482582f;
        out2[o] = v1;
      }

      var<workgroup> partial: array<f32, 256>;

      @compute @workgroup_size(256)
      fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
        let o = workgroup.x;
        if (o >= 3u) { return; }
        let first = 0u;
        let end = min(first + 100u, 100u);
        var value = 0.0;
        for (var r = first + local; r < end; r += 256u) {
          value = value + term(o, r);
        }
        partial[local] = value;
        for (var half = 128u; half > 0u; half /= 2u) {
          workgroupBarrier();
          if (local < half) { partial[local] = partial[local] + partial[local + half]; }
        }
        if (local == 0u) { store(o, partial[0]); }
      }
      "
    `);
  });

  it("a convolution takes scale, shift, shortcut and ReLU along", () => {
    const shape = [1, 8, 5, 5];
    const graph = build((b) => {
      const [x, kernel] = [
        b.input("x", { dtype: "f32", shape: [1, 4, 5, 5] }),
        b.input("kernel", { dtype: "f32", shape: [8, 4, 1, 1] }),
      ];
      const [scale, shift] = [
        b.input("scale", { dtype: "f32", shape: [8] }),
        b.input("shift", { dtype: "f32", shape: [8] }),
      ];
      const attrs = {
        strides: [1, 1],
        padding: [
          [0, 0],
          [0, 0],
        ],
        dilations: [1, 1],
        groups: 1,
      } as const;
      const y = b.scope("layer1.conv", () => b.apply("conv2d", [x, kernel], attrs));
      const normalized = add(mul(y, perChannel(b, scale, shape)), perChannel(b, shift, shape));
      return { z: max(add(normalized, b.input("shortcut", { dtype: "f32", shape })), 0) };
    });
    const [kernel, ...others] = planOf(graph).kernels;
    expect(others).toEqual([]);
    expect(/fn store.*?\n}/s.exec(kernel!.dispatches[0]!.wgsl)![0]).toMatchInlineSnapshot(`
      "fn store(index: u32, value: f32) {
        let v0 = held(value);
        let v1 = index / 25u;
        let v2 = (index / 5u) % 5u;
        let v3 = index % 5u;
        let v4 = in2[v1];
        let v5 = held(v0 * v4);
        let v6 = in3[v1];
        let v7 = held(v5 + v6);
        let v8 = in4[index];
        let v9 = held(v7 + v8);
        let v10 = max_f32(v9, 0.0f);
        out5[index] = v10;
      }"
    `);
  });

  it("what depends on all of a result waits for it", () => {
    const graph = build((b) => {
      const x = mul(b.input("x", matrix), b.input("y", matrix));
      const total = b.apply("broadcast", [reduceSum(x)], { shape: matrix.shape, axes: [] });
      return { z: add(x, total) };
    });
    expect(planOf(graph).kernels.map(({ ops }) => ops)).toEqual([["mul"], ["reduceSum"], ["broadcast", "add"]]);
  });
});

it("explain prints kernels and totals", () => {
  const graph = build((b) => {
    const x = b.scope("layer1.scale", () => mul(b.input("x", matrix), 2));
    return b.scope("layer1.head", () => ({ x, sum: reduceSum(x, [0]) }));
  });
  expect(explain({ graph, reads: {}, writes: {}, finite: [] }).toString()).toMatchInlineSnapshot(`
    "    0.000 MB     0.000 MFLOP  broadcast mul  (layer1.scale)
        0.000 MB     0.000 MFLOP  reduceSum  (layer1.head)
    2 kernels, 0.000 MB, 1.5 times the lower bound of 0.000 MB; 0.000 MFLOP"
  `);
});

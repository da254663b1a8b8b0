import { describe, expect, it } from "vitest";
import { type Builder, build, type Value } from "../src/graph/builder.js";
import { simplify } from "../src/passes/simplify.js";
import { filled, ops, real } from "./building.js";
import { bool, f32, type Shape } from "./tensors.js";

describe("simplify", () => {
  const after = (body: (b: Builder, x: Value) => Value, shape: Shape = [2, 3]) =>
    simplify(build((b) => ({ y: body(b, b.input("x", real(...shape))) })));

  it.each<[string, (b: Builder, x: Value) => Value]>([
    ["x * 1", (b, x) => b.apply("mul", [x, filled(b, 1, [2, 3])], {})],
    ["1 * x, the 1 as a tensor", (b, x) => b.apply("mul", [b.constant(f32([2, 3], [1, 1, 1, 1, 1, 1])), x], {})],
    ["x / 1", (b, x) => b.apply("div", [x, filled(b, 1, [2, 3])], {})],
    ["x + (-0)", (b, x) => b.apply("add", [x, filled(b, -0, [2, 3])], {})],
    ["x - 0", (b, x) => b.apply("sub", [x, filled(b, 0, [2, 3])], {})],
    ["-(-x)", (b, x) => b.apply("neg", [b.apply("neg", [x], {})], {})],
    ["max(x, x)", (b, x) => b.apply("max", [x, x], {})],
    ["c ? x : x", (b, x) => b.apply("select", [b.apply("less", [x, filled(b, 0, [2, 3])], {}), x, x], {})],
    [
      "true ? x : -x",
      (b, x) => b.apply("select", [b.constant(bool([2, 3], [1, 1, 1, 1, 1, 1])), x, b.apply("neg", [x], {})], {}),
    ],
    ["a cast to the same dtype", (b, x) => b.apply("cast", [x], { to: "f32" })],
    ["stopGradient", (b, x) => b.apply("stopGradient", [x], {})],
    [
      "a reshape there and back",
      (b, x) => b.apply("reshape", [b.apply("reshape", [x], { shape: [6] })], { shape: [2, 3] }),
    ],
    [
      "two transposes",
      (b, x) => b.apply("transpose", [b.apply("transpose", [x], { permutation: [1, 0] })], { permutation: [1, 0] }),
    ],
    ["a slice of everything", (b, x) => b.apply("slice", [x], { starts: [0, 0], ends: [2, 3] })],
    ["a border of nothing", (b, x) => b.apply("pad", [x], { low: [0, 0], high: [0, 0], mode: "reflect", value: 0 })],
    [
      "a border that a slice cuts off",
      (b, x) =>
        b.apply("slice", [b.apply("pad", [x], { low: [1, 2], high: [0, 1], mode: "edge", value: 0 })], {
          starts: [1, 2],
          ends: [3, 5],
        }),
    ],
    [
      "a part of a concat",
      (b, x) => b.apply("slice", [b.apply("concat", [x, x, x], { axis: 1 })], { starts: [0, 3], ends: [2, 6] }),
    ],
    ["a concat of one", (b, x) => b.apply("concat", [x], { axis: 0 })],
    ["a broadcast to the same shape", (b, x) => b.apply("broadcast", [x], { shape: [2, 3], axes: [0, 1] })],
  ])("%s is x", (_, body) => {
    const graph = after(body);
    expect(graph.nodes).toEqual([]);
    expect(graph.outputs.y).toBe(graph.inputs.x);
  });

  it.each<[string, (b: Builder, x: Value) => Value]>([
    ["x + 0, which turns -0 into 0", (b, x) => b.apply("add", [x, filled(b, 0, [2, 3])], {})],
    ["x - (-0), the same", (b, x) => b.apply("sub", [x, filled(b, -0, [2, 3])], {})],
    ["0 - x, which is 0 for 0 where -x is -0", (b, x) => b.apply("sub", [filled(b, 0, [2, 3]), x], {})],
    ["x * 0, which may be -0 or NaN", (b, x) => b.apply("mul", [x, filled(b, 0, [2, 3])], {})],
    ["x - x, which may be NaN", (b, x) => b.apply("sub", [x, x], {})],
    ["x / x, which may be NaN", (b, x) => b.apply("div", [x, x], {})],
  ])("leaves %s", (_, body) => {
    const graph = after(body);
    expect(ops(graph).at(-1)).toMatch(/add|sub|mul|div/);
  });

  it("joins chains of movements", () => {
    expect(
      after((b, x) =>
        b.apply("slice", [b.apply("slice", [x], { starts: [1, 0], ends: [2, 3] })], { starts: [0, 1], ends: [1, 2] }),
      ).nodes[0],
    ).toMatchObject({ op: "slice", inputs: [0], attrs: { starts: [1, 1], ends: [2, 2] } });

    const border = (low: number[], high: number[], value: number) => ({ low, high, mode: "constant" as const, value });
    const bordered = (inner: number, outer: number) =>
      after((b, x) =>
        b.apply("pad", [b.apply("pad", [x], border([1, 0], [0, 2], inner))], border([0, 1], [1, 1], outer)),
      );
    expect(bordered(0, 0).nodes).toMatchObject([{ op: "pad", attrs: border([1, 1], [1, 3], 0) }]);
    expect(ops(bordered(0, -0))).toEqual(["pad", "pad"]);

    expect(
      after((b, x) => {
        const wide = b.apply("broadcast", [x], { shape: [2, 4, 3], axes: [0, 2] });
        return b.apply("broadcast", [wide], { shape: [5, 2, 4, 3], axes: [1, 2, 3] });
      }).nodes,
    ).toMatchObject([{ op: "broadcast", inputs: [0], attrs: { shape: [5, 2, 4, 3], axes: [1, 3] } }]);

    const turn = (b: Builder, x: Value) => b.apply("transpose", [x], { permutation: [1, 2, 0] });
    expect(after((b, x) => turn(b, turn(b, x)), [2, 3, 4]).nodes).toMatchObject([
      { op: "transpose", inputs: [0], attrs: { permutation: [2, 0, 1] } },
    ]);
  });

  it("turns movements that keep the order of the elements into views", () => {
    expect(ops(after((b, x) => b.apply("transpose", [x], { permutation: [2, 0, 1] }), [2, 3, 1]))).toEqual(["reshape"]);
    expect(ops(after((b, x) => b.apply("broadcast", [x], { shape: [1, 2, 1, 3], axes: [1, 3] })))).toEqual(["reshape"]);
  });

  it("computes in front of a broadcast, not behind it", () => {
    const graph = after((b, x) => {
      const wide = (value: Value) => b.apply("broadcast", [value], { shape: [8, 2, 3], axes: [1, 2] });
      return b.apply("neg", [b.apply("mul", [wide(x), filled(b, 3, [8, 2, 3])], {})], {});
    });
    expect(ops(graph)).toEqual(["constant", "broadcast", "mul", "neg", "broadcast"]);
    expect(graph.types.at(-2)).toEqual(real(2, 3));
  });

  it("does not move approximate ops: a backend may round a vector and a single element differently", () => {
    const graph = after((b, x) => b.apply("exp", [b.apply("broadcast", [x], { shape: [8, 2, 3], axes: [1, 2] })], {}));
    expect(ops(graph)).toEqual(["broadcast", "exp"]);
  });

  it("keeps the scopes of the nodes it rewrites", () => {
    const graph = after((b, x) => {
      const inner = b.scope("inner", () => b.apply("reshape", [x], { shape: [6] }));
      return b.scope("outer", () => b.apply("reshape", [inner], { shape: [3, 2] }));
    });
    expect(graph.nodes).toMatchObject([{ op: "reshape", scope: "outer" }]);
  });
});

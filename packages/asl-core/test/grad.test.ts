import { describe, expect, it } from "vitest";
import { grad } from "../src/autodiff/grad.js";
import { floor, mul } from "../src/functions/elementwise.js";
import { reduceSum } from "../src/functions/shape.js";
import { Builder } from "../src/graph/builder.js";

describe("grad", () => {
  it("takes a composite's own rule even when every path inside it is a step function", () => {
    const builder = new Builder();
    const x = builder.input("x", { dtype: "f32", shape: [3] });
    const y = builder.differentiateAs(floor(x), [x], (g) => [mul(g, 2)]);
    const [gradient] = grad(reduceSum(y), [x]);
    expect(builder.producer(gradient!)?.op).toBe("mul");
  });

  it("gives zeros through a step function without a rule", () => {
    const builder = new Builder();
    const x = builder.input("x", { dtype: "f32", shape: [3] });
    const [gradient] = grad(reduceSum(floor(x)), [x]);
    expect(builder.producer(gradient!)).toMatchObject({ op: "broadcast" });
    expect(gradient!.shape).toEqual([3]);
  });

  it("refuses a loss that is not a scalar", () => {
    const builder = new Builder();
    const x = builder.input("x", { dtype: "f32", shape: [3] });
    expect(() => grad(x, [x])).toThrow("grad: the loss must be a scalar f32[]; got f32[3]");
  });
});

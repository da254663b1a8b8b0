import { describe, expect, it } from "vitest";
import { byOperator, convolutionRates } from "../int8/profile.mjs";

const nodes = [
  { name: "a.0/Conv_nchwc_kernel_time", op: "Conv", seconds: 2, shape: [1, 4, 10, 10] },
  { name: "a.1/LeakyRelu_nchwc_kernel_time", op: "Conv", seconds: 3, shape: [1, 4, 10, 10] },
  { name: "a.10/Conv_token_7_kernel_time", op: "QLinearConv", seconds: 1, shape: [1, 4, 10, 10] },
  { name: "a.1/Add_kernel_time", op: "Add", seconds: 4, shape: [1, 4, 10, 10] },
];

describe("the profile of a session", () => {
  it("sums nodes by operator, the slowest first", () => {
    expect(byOperator(nodes)).toEqual([
      { op: "Conv", nodes: 2, seconds: 5, share: 0.5 },
      { op: "Add", nodes: 1, seconds: 4, share: 0.4 },
      { op: "QLinearConv", nodes: 1, seconds: 1, share: 0.1 },
    ]);
  });

  it("counts two operations for each multiplication of a convolution, whatever was fused into it", () => {
    const layers = ["a.0/Conv", "a.1/Conv", "a.10/Conv"].map((name) => ({ name, shape: [4, 8, 3, 3] }));
    const operations = 2 * 400 * 72;
    expect(convolutionRates(nodes, layers)).toEqual([
      { kernel: "4 x 8 x 3 x 3", nodes: 3, operations, seconds: 6, rate: (3 * operations) / 6 },
    ]);
  });
});

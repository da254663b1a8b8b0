import { type Backend, type Conv2dAttrs, convolvedExtent, f32, type Shape } from "asl-core";
import { evaluate } from "asl-reference";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dyadic, expectContract, expectSameBits, graphOf, noise, runOn } from "../../../test/contract.js";
import { BACKENDS } from "./backends.js";

interface ConvCase {
  readonly attrs: Conv2dAttrs;
  readonly x: Shape;
  readonly kernel: Shape;
  readonly y: Shape;
}

function convCase(x: Shape, kernel: Shape, attrs: Partial<Conv2dAttrs> = {}): ConvCase {
  const whole: Conv2dAttrs = {
    strides: [1, 1],
    padding: [
      [0, 0],
      [0, 0],
    ],
    dilations: [1, 1],
    groups: 1,
    ...attrs,
  };
  const extents = ([0, 1] as const).map((axis) => convolvedExtent(x[axis + 2]!, kernel[axis + 2]!, axis, whole));
  return { attrs: whole, x, kernel, y: [x[0]!, kernel[0]!, ...extents] };
}

async function expectAllThree(backend: Backend, { attrs, x, kernel, y }: ConvCase): Promise<void> {
  await expectContract(backend, "conv2d", [noise(x, 1), noise(kernel, 2)], attrs);
  await expectContract(backend, "conv2dInputGrad", [noise(y, 3), noise(kernel, 4)], { ...attrs, inputShape: x });
  await expectContract(backend, "conv2dKernelGrad", [noise(x, 5), noise(y, 6)], { ...attrs, kernelShape: kernel });
}

const pair = (values: fc.Arbitrary<number>) => fc.tuple(values, values);

/** Any geometry that leaves at least one output pixel. */
const convCases: fc.Arbitrary<ConvCase> = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    groups: fc.integer({ min: 1, max: 3 }),
    perGroup: fc.integer({ min: 1, max: 3 }),
    outPerGroup: fc.integer({ min: 1, max: 3 }),
    kernel: pair(fc.integer({ min: 1, max: 3 })),
    strides: pair(fc.integer({ min: 1, max: 3 })),
    dilations: pair(fc.integer({ min: 1, max: 2 })),
    padding: fc.tuple(pair(fc.nat(3)), pair(fc.nat(3))),
    extents: pair(fc.integer({ min: 1, max: 9 })),
  })
  .map(({ batch, groups, perGroup, outPerGroup, kernel, extents, ...attrs }) =>
    convCase([batch, groups * perGroup, ...extents], [groups * outPerGroup, perGroup, ...kernel], { ...attrs, groups }),
  )
  .filter(({ y }) => y.every((extent) => extent >= 1));

const SAME: Conv2dAttrs["padding"] = [
  [1, 1],
  [1, 1],
];

const SHAPES: Record<string, ConvCase> = {
  "3x3 with few channels on a large image": convCase([2, 4, 32, 32], [8, 4, 3, 3], { padding: SAME }),
  "3x3 with many channels on a small image": convCase([2, 64, 7, 7], [64, 64, 3, 3], { padding: SAME }),
  "1x1": convCase([3, 64, 8, 8], [128, 64, 1, 1]),
  "1x1 with stride 2": convCase([2, 16, 9, 9], [8, 16, 1, 1], { strides: [2, 2] }),
  "3x3 with stride 2": convCase([2, 16, 16, 16], [8, 16, 3, 3], { strides: [2, 2], padding: SAME }),
  "3x3 with stride 2 on an odd image": convCase([2, 16, 15, 15], [8, 16, 3, 3], { strides: [2, 2], padding: SAME }),
  "depthwise 3x3 with stride 2 on a padded image": convCase([2, 32, 18, 18], [32, 1, 3, 3], {
    strides: [2, 2],
    groups: 32,
  }),
  "depthwise 3x3": convCase([2, 32, 9, 9], [32, 1, 3, 3], { padding: SAME, groups: 32 }),
  "two groups": convCase([2, 8, 9, 9], [6, 4, 3, 3], { padding: SAME, groups: 2 }),
  "one output channel for each of two groups": convCase([2, 8, 5, 5], [2, 4, 3, 3], { padding: SAME, groups: 2 }),
  "padding beyond the kernel": convCase([1, 3, 4, 4], [2, 3, 2, 2], {
    padding: [
      [3, 2],
      [2, 3],
    ],
  }),
  "padding beyond the gradient": convCase([1, 2, 4, 4], [2, 2, 1, 1], {
    strides: [3, 3],
    padding: [
      [3, 0],
      [3, 0],
    ],
  }),
  "one pixel": convCase([2, 5, 1, 1], [4, 5, 3, 3], { padding: SAME }),
};

describe.each(BACKENDS)("convolution and both of its gradients on $name", ({ backend }) => {
  it("any stride, padding, dilation and groups", async () => {
    await fc.assert(
      fc.asyncProperty(convCases, async (generated) => {
        await expectAllThree(backend, generated);
      }),
      { numRuns: 60 },
    );
  });
  for (const [name, shape] of Object.entries(SHAPES)) {
    it(name, () => expectAllThree(backend, shape));
  }

  it("equal bits where every sum is exact", async () => {
    const { attrs, x, kernel, y } = convCase([2, 8, 9, 9], [6, 8, 3, 3], { padding: SAME, strides: [2, 2] });
    const inputs = { x: dyadic(x, 1), kernel: dyadic(kernel, 2), y: dyadic(y, 3) };
    const cases = [
      { graph: graphOf("conv2d", [inputs.x.type, inputs.kernel.type], attrs), in0: inputs.x, in1: inputs.kernel },
      {
        graph: graphOf("conv2dInputGrad", [inputs.y.type, inputs.kernel.type], { ...attrs, inputShape: x }),
        in0: inputs.y,
        in1: inputs.kernel,
      },
      {
        graph: graphOf("conv2dKernelGrad", [inputs.x.type, inputs.y.type], { ...attrs, kernelShape: kernel }),
        in0: inputs.x,
        in1: inputs.y,
      },
    ];
    for (const { graph, ...feeds } of cases) {
      const expected = evaluate(graph, feeds, { precision: "f64" }).y!;
      expectSameBits((await runOn(backend, graph, feeds)).y!.data, expected.data);
    }
  });
});

describe.each(BACKENDS)("matmul on $name", ({ backend }) => {
  it("keeps the sum contract, with and without leading dimensions", async () => {
    await expectContract(backend, "matmul", [noise([7, 33], 1), noise([33, 5], 2)], {});
    await expectContract(backend, "matmul", [noise([2, 3, 4, 6], 1), noise([2, 3, 6, 5], 2)], {});
    await expectContract(backend, "matmul", [noise([1, 1], 1), noise([1, 1], 2)], {});
    await expectContract(backend, "matmul", [noise([64, 512], 1), noise([512, 80], 2)], {});
  });
  it("a sum of nothing is 0", async () => {
    const y = await expectContract(backend, "matmul", [f32([2, 0], []), f32([0, 3], [])], {});
    expect([...y.data]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

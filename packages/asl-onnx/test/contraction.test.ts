import { type Conv2dAttrs, convolvedExtent, type Shape } from "asl-core";
import fc from "fast-check";
import { describe, it } from "vitest";
import { expectContract, noise } from "./contract.js";

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

async function expectAllThree({ attrs, x, kernel, y }: ConvCase): Promise<void> {
  await expectContract("conv2d", [noise(x, 1), noise(kernel, 2)], attrs);
  await expectContract("conv2dInputGrad", [noise(y, 3), noise(kernel, 4)], { ...attrs, inputShape: x });
  await expectContract("conv2dKernelGrad", [noise(x, 5), noise(y, 6)], { ...attrs, kernelShape: kernel });
}

const between = (min: number, max: number) => fc.integer({ min, max });
const pair = (values: fc.Arbitrary<number>) => fc.tuple(values, values);

interface Ranges {
  readonly batch: fc.Arbitrary<number>;
  readonly groups: fc.Arbitrary<number>;
  readonly perGroup: fc.Arbitrary<number>;
  readonly outPerGroup: fc.Arbitrary<number>;
  readonly kernel: fc.Arbitrary<number>;
  readonly extents: fc.Arbitrary<number>;
}

/** Any strides, dilations and padding that leave at least one output pixel. */
const convCases = ({ kernel, extents, ...counts }: Ranges): fc.Arbitrary<ConvCase> =>
  fc
    .record({
      ...counts,
      kernel: pair(kernel),
      strides: pair(between(1, 3)),
      dilations: pair(between(1, 2)),
      padding: fc.tuple(pair(fc.nat(3)), pair(fc.nat(3))),
      extents: pair(extents),
    })
    .map(({ batch, groups, perGroup, outPerGroup, kernel, extents, ...attrs }) =>
      convCase([batch, groups * perGroup, ...extents], [groups * outPerGroup, perGroup, ...kernel], {
        ...attrs,
        groups,
      }),
    )
    .filter(({ y }) => y.every((extent) => extent >= 1));

const anyCase = convCases({
  batch: between(1, 3),
  groups: between(1, 3),
  perGroup: between(1, 3),
  outPerGroup: between(1, 3),
  kernel: between(1, 3),
  extents: between(1, 9),
});

/** More output channels than positions. */
const fewPositions = convCases({
  batch: between(1, 2),
  groups: fc.constant(1),
  perGroup: between(1, 5),
  outPerGroup: fc.constant(48),
  kernel: between(2, 3),
  extents: between(1, 4),
}).filter(({ y: [batch, out, height, width] }) => batch! * height! * width! <= out!);

/** Unit strides and padding that keeps or widens images; more positions than channels. */
const wide = convCases({
  batch: between(1, 5),
  groups: fc.constant(1),
  perGroup: between(1, 3),
  outPerGroup: between(1, 2),
  kernel: between(1, 3),
  extents: between(5, 9),
}).filter(({ attrs, x, y }) => attrs.strides.every((stride) => stride === 1) && y[2]! >= x[2]! && y[3]! >= x[3]!);

const SAME: Conv2dAttrs["padding"] = [
  [1, 1],
  [1, 1],
];

describe("convolution and both of its gradients", () => {
  it("any stride, padding, dilation and groups", async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, async (generated) => {
        await expectAllThree(generated);
      }),
      { numRuns: 80 },
    );
  });

  it("any geometry with fewer positions than channels", async () => {
    await fc.assert(
      fc.asyncProperty(fewPositions, async (generated) => {
        await expectAllThree(generated);
      }),
      { numRuns: 40 },
    );
  });

  it("any geometry that keeps or widens images", async () => {
    await fc.assert(
      fc.asyncProperty(wide, async (generated) => {
        await expectAllThree(generated);
      }),
      { numRuns: 40 },
    );
  });

  const shapes: Record<string, ConvCase> = {
    "3x3 with few channels on a large image": convCase([2, 4, 32, 32], [8, 4, 3, 3], { padding: SAME }),
    "3x3 with many channels on a small image": convCase([2, 256, 7, 7], [256, 256, 3, 3], { padding: SAME }),
    "3x3 over many pictures": convCase([17, 5, 6, 7], [4, 5, 3, 2], { padding: SAME, dilations: [2, 1] }),
    "3x3 with few pictures for its positions": convCase([4, 48, 20, 20], [8, 48, 3, 3], { padding: SAME }),
    "3x3 with 64 channels": convCase([3, 64, 14, 14], [64, 64, 3, 3], { padding: SAME }),
    "1x1": convCase([3, 64, 8, 8], [128, 64, 1, 1]),
    "1x1 with stride 2": convCase([2, 16, 9, 9], [8, 16, 1, 1], { strides: [2, 2] }),
    "3x3 with stride 2": convCase([2, 16, 16, 16], [8, 16, 3, 3], { strides: [2, 2], padding: SAME }),
    "3x3 with stride 2 on an odd image": convCase([2, 16, 15, 15], [8, 16, 3, 3], { strides: [2, 2], padding: SAME }),
    "depthwise 3x3 with stride 2 on a padded image": convCase([2, 32, 18, 18], [32, 1, 3, 3], {
      strides: [2, 2],
      groups: 32,
    }),
    "depthwise 3x3 with stride 2 on an odd padded image": convCase([2, 32, 17, 17], [32, 1, 3, 3], {
      strides: [2, 2],
      groups: 32,
    }),
    "depthwise 3x3": convCase([2, 32, 9, 9], [32, 1, 3, 3], { padding: SAME, groups: 32 }),
    "two groups": convCase([2, 8, 9, 9], [6, 4, 3, 3], { padding: SAME, groups: 2 }),
    "padding beyond the kernel": convCase([1, 3, 4, 4], [2, 3, 2, 2], {
      padding: [
        [3, 2],
        [2, 3],
      ],
    }),
    "one pixel": convCase([2, 5, 1, 1], [4, 5, 3, 3], { padding: SAME }),
  };
  for (const [name, shape] of Object.entries(shapes)) {
    it(name, () => expectAllThree(shape));
  }
});

describe("matmul", () => {
  it("keeps the sum contract, with and without leading dimensions", async () => {
    await expectContract("matmul", [noise([7, 33], 1), noise([33, 5], 2)], {});
    await expectContract("matmul", [noise([2, 3, 4, 6], 1), noise([2, 3, 6, 5], 2)], {});
    await expectContract("matmul", [noise([1, 1], 1), noise([1, 1], 2)], {});
    await expectContract("matmul", [noise([64, 512], 1), noise([512, 80], 2)], {});
  });
});

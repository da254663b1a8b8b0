import { type AttrsOf, type Conv2dAttrs, convolvedExtent, f32, type Shape, type TensorData } from "asl-core";
import { evaluate } from "asl-reference";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dyadic, expectContract, expectSameBits, graphOf, noise, runOn } from "../../../../test/contract.js";
import type { ContractionOp, Tile } from "../../src/contraction/index.js";
import { opened, SKIPPED } from "./device.js";
import { oneContraction } from "./one-contraction.js";

interface ConvCase {
  readonly attrs: Conv2dAttrs;
  readonly x: Shape;
  readonly kernel: Shape;
  readonly y: Shape;
}

function convCase(x: Shape, kernel: Shape, attrs: Partial<Conv2dAttrs> = {}): ConvCase {
  const whole: Conv2dAttrs = { strides: [1, 1], padding: VALID, dilations: [1, 1], groups: 1, ...attrs };
  const extents = ([0, 1] as const).map((axis) => convolvedExtent(x[axis + 2]!, kernel[axis + 2]!, axis, whole));
  return { attrs: whole, x, kernel, y: [x[0]!, kernel[0]!, ...extents] };
}

const VALID: Conv2dAttrs["padding"] = [
  [0, 0],
  [0, 0],
];
const SAME: Conv2dAttrs["padding"] = [
  [1, 1],
  [1, 1],
];

const pair = (values: fc.Arbitrary<number>) => fc.tuple(values, values);

/** Any geometry that leaves at least one output pixel; no picture at all is one of them. */
const convCases: fc.Arbitrary<ConvCase> = fc
  .record({
    batch: fc.nat(3),
    groups: fc.integer({ min: 1, max: 3 }),
    perGroup: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constantFrom(16, 17)),
    outPerGroup: fc.integer({ min: 1, max: 6 }),
    kernel: pair(fc.integer({ min: 1, max: 3 })),
    strides: pair(fc.integer({ min: 1, max: 3 })),
    dilations: pair(fc.integer({ min: 1, max: 2 })),
    padding: fc.tuple(pair(fc.nat(3)), pair(fc.nat(3))),
    extents: pair(fc.integer({ min: 1, max: 9 })),
  })
  .map(({ batch, groups, perGroup, outPerGroup, kernel, extents, ...attrs }) =>
    convCase([batch, groups * perGroup, ...extents], [groups * outPerGroup, perGroup, ...kernel], { ...attrs, groups }),
  )
  .filter(({ y }) => y.every((extent, axis) => axis === 0 || extent >= 1));

const common = { splits: fc.integer({ min: 1, max: 5 }), transposed: fc.boolean(), columns: fc.constantFrom(1, 2, 4) };
const plainTiles: fc.Arbitrary<Tile> = fc.record({
  from: fc.constant("buffers" as const),
  threads: fc.constantFrom([8, 8] as const, [16, 4] as const, [4, 1] as const),
  rows: fc.constantFrom(1, 2, 4),
  ...common,
});
const quadTiles: fc.Arbitrary<Tile> = fc.record({
  from: fc.constant("quads" as const),
  threads: fc.constantFrom([4, 1] as const, [16, 1] as const),
  rows: fc.constantFrom(4, 8),
  ...common,
});
const workgroupTiles: fc.Arbitrary<Tile> = fc.record({
  from: fc.constant("workgroup" as const),
  threads: fc.constantFrom([4, 4] as const, [8, 2] as const, [2, 8] as const),
  rows: fc.constantFrom(4, 8),
  terms: fc.constantFrom(4, 8, 16),
  ...common,
  columns: fc.constant(4),
});
const hasQuads = opened?.device.features.has("subgroups") === true;
const tiles = fc.oneof(plainTiles, workgroupTiles, ...(hasQuads ? [quadTiles] : []));

/** Runs one contraction: within the op's bound on any numbers, and with no differing bit on dyadic ones. */
async function expectBoth<K extends ContractionOp>(op: K, shapes: readonly Shape[], attrs: AttrsOf<K>, tile?: Tile) {
  const backend = oneContraction(opened!.device, tile);
  const inputs = (make: (shape: Shape, seed: number) => TensorData) => shapes.map((shape, i) => make(shape, i + 1));
  await expectContract(backend, op, inputs(noise), attrs);
  const exact = inputs(dyadic);
  const graph = graphOf(
    op,
    exact.map(({ type }) => type),
    attrs,
  );
  const feeds = { in0: exact[0]!, in1: exact[1]! };
  const expected = evaluate(graph, feeds, { precision: "f64" }).y!;
  expectSameBits((await runOn(backend, graph, feeds)).y!.data, expected.data);
}

async function expectAllThree({ attrs, x, kernel, y }: ConvCase, tile?: Tile): Promise<void> {
  await expectBoth("conv2d", [x, kernel], attrs, tile);
  await expectBoth("conv2dInputGrad", [y, kernel], { ...attrs, inputShape: x }, tile);
  await expectBoth("conv2dKernelGrad", [x, y], { ...attrs, kernelShape: kernel }, tile);
}

const SHAPES: Record<string, ConvCase> = {
  "3x3 with few channels on a large image": convCase([2, 4, 32, 32], [8, 4, 3, 3], { padding: SAME }),
  "3x3 with many channels on a small image": convCase([2, 64, 7, 7], [64, 64, 3, 3], { padding: SAME }),
  "1x1": convCase([3, 64, 8, 8], [128, 64, 1, 1]),
  "1x1 with stride 2": convCase([2, 16, 9, 9], [8, 16, 1, 1], { strides: [2, 2] }),
  "3x3 with stride 2": convCase([2, 16, 16, 16], [8, 16, 3, 3], { strides: [2, 2], padding: SAME }),
  "depthwise 3x3 with stride 2": convCase([2, 32, 18, 18], [32, 1, 3, 3], { strides: [2, 2], groups: 32 }),
  "two groups": convCase([2, 8, 9, 9], [6, 4, 3, 3], { padding: SAME, groups: 2 }),
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
  "no channels": convCase([1, 0, 4, 4], [2, 0, 3, 3]),
  "no output channels": convCase([1, 2, 4, 4], [0, 2, 3, 3]),
};

describe.skipIf(SKIPPED)(`contractions on WebGPU ${SKIPPED ?? ""}`, () => {
  it("convolutions of any stride, padding, dilation and groups, on any tile", async () => {
    await fc.assert(
      fc.asyncProperty(convCases, fc.option(tiles, { nil: undefined }), (generated, tile) =>
        expectAllThree(generated, tile),
      ),
      { numRuns: 15 },
    );
  });

  for (const [name, shape] of Object.entries(SHAPES)) {
    it(name, () => expectAllThree(shape));
  }

  // every way that a tile is filled: by vectors of terms, of rows or columns, or element by element
  const ON_WORKGROUPS: readonly Tile[] = [
    { from: "workgroup", threads: [4, 4], rows: 4, columns: 4, splits: 1, terms: 8 },
    { from: "workgroup", threads: [4, 2], rows: 8, columns: 8, splits: 3, terms: 4, transposed: true },
  ];
  for (const tile of ON_WORKGROUPS) {
    it(`through workgroup memory, ${tile.transposed ? "transposed, in three splits" : "as it lies"}`, async () => {
      await expectAllThree(convCase([2, 8, 7, 7], [12, 8, 3, 3], { padding: SAME }), tile);
      await expectAllThree(convCase([1, 16, 8, 8], [20, 16, 1, 1]), tile);
      await expectAllThree(convCase([1, 6, 9, 9], [6, 3, 3, 3], { strides: [2, 2], padding: SAME, groups: 2 }), tile);
      await expectBoth(
        "matmul",
        [
          [2, 24, 40],
          [2, 40, 32],
        ],
        {},
        tile,
      );
    });
  }

  it("sums in two splits where one split has no term of a group", async () => {
    const twoGroups = convCase([1, 2, 1, 1], [2, 1, 1, 1], {
      groups: 2,
      padding: [
        [0, 1],
        [0, 0],
      ],
    });
    await expectAllThree(twoGroups, { from: "buffers", threads: [8, 8], rows: 1, columns: 1, splits: 2 });
  });

  it("matmul with and without leading dimensions, on any tile", async () => {
    const extent = fc.nat(20);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(3), { maxLength: 2 }),
        extent,
        extent,
        extent,
        fc.option(tiles, { nil: undefined }),
        (leading, m, k, n, tile) =>
          expectBoth(
            "matmul",
            [
              [...leading, m, k],
              [...leading, k, n],
            ],
            {},
            tile,
          ),
      ),
      { numRuns: 15 },
    );
    await expectBoth(
      "matmul",
      [
        [64, 512],
        [512, 80],
      ],
      {},
    );
  });

  it("a sum of nothing is 0", async () => {
    const backend = oneContraction(opened!.device);
    const y = await expectContract(backend, "matmul", [f32([2, 0], []), f32([0, 3], [])], {});
    expect([...y.data]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

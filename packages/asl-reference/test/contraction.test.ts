import { type Conv2dAttrs, f32, type Shape, sizeOf, type TensorData } from "asl-core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { apply, dot, f64, values } from "./apply.js";

/** Small integers: all products and sums are exact, so that comparisons need no tolerance. */
const integers = (shape: Shape, seed: number): TensorData =>
  f64(
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => (((i + seed) * 7919) % 13) - 6),
  );

const plain: Conv2dAttrs = {
  strides: [1, 1],
  padding: [
    [0, 0],
    [0, 0],
  ],
  dilations: [1, 1],
  groups: 1,
};

/** The definition, element by element, with the zero border written out. */
function naiveConv2d(x: TensorData, kernel: TensorData, attrs: Conv2dAttrs, shape: Shape): number[] {
  const [, channels, height, width] = x.type.shape as [number, number, number, number];
  const [outputs, perGroup, kernelHeight, kernelWidth] = kernel.type.shape as [number, number, number, number];
  const [batch, , outHeight, outWidth] = shape as [number, number, number, number];
  const element = (n: number, c: number, row: number, column: number) =>
    row < 0 || row >= height || column < 0 || column >= width
      ? 0
      : x.data[((n * channels + c) * height + row) * width + column]!;
  const y: number[] = [];
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < outputs; o++)
      for (let i = 0; i < outHeight; i++)
        for (let j = 0; j < outWidth; j++) {
          const group = Math.floor(o / (outputs / attrs.groups));
          let sum = 0;
          for (let c = 0; c < perGroup; c++)
            for (let ki = 0; ki < kernelHeight; ki++)
              for (let kj = 0; kj < kernelWidth; kj++) {
                const row = i * attrs.strides[0] + ki * attrs.dilations[0] - attrs.padding[0][0];
                const column = j * attrs.strides[1] + kj * attrs.dilations[1] - attrs.padding[1][0];
                const weight = kernel.data[((o * perGroup + c) * kernelHeight + ki) * kernelWidth + kj]!;
                sum += weight * element(n, group * perGroup + c, row, column);
              }
          y.push(sum);
        }
  return y;
}

interface ConvCase {
  readonly attrs: Conv2dAttrs;
  readonly xShape: Shape;
  readonly kernelShape: Shape;
}

const pair = (values: fc.Arbitrary<number>) => fc.tuple(values, values);

const convCases: fc.Arbitrary<ConvCase> = fc
  .record({
    batch: fc.integer({ min: 1, max: 2 }),
    groups: fc.integer({ min: 1, max: 3 }),
    perGroup: fc.integer({ min: 1, max: 2 }),
    outputsPerGroup: fc.integer({ min: 1, max: 2 }),
    extents: pair(fc.integer({ min: 1, max: 6 })),
    kernel: pair(fc.integer({ min: 1, max: 3 })),
    strides: pair(fc.integer({ min: 1, max: 3 })),
    dilations: pair(fc.integer({ min: 1, max: 2 })),
    padding: fc.tuple(pair(fc.nat(3)), pair(fc.nat(3))),
  })
  .map(({ batch, groups, perGroup, outputsPerGroup, extents, kernel, strides, dilations, padding }) => ({
    attrs: { strides, padding, dilations, groups },
    xShape: [batch, groups * perGroup, ...extents],
    kernelShape: [groups * outputsPerGroup, perGroup, ...kernel],
  }))
  .filter(({ attrs, xShape, kernelShape }) =>
    ([0, 1] as const).every((axis) => {
      const [before, after] = attrs.padding[axis];
      return xShape[axis + 2]! + before + after >= (kernelShape[axis + 2]! - 1) * attrs.dilations[axis] + 1;
    }),
  );

describe("conv2d", () => {
  it("is cross-correlation: the kernel is not flipped", () => {
    const x = f64([1, 1, 2, 3], [1, 2, 3, 4, 5, 6]);
    const kernel = f64([1, 1, 1, 2], [10, 1]);
    expect(values("conv2d", [x, kernel], plain)).toEqual([12, 23, 45, 56]);
  });

  it("pads with zeros, unevenly where asked", () => {
    const x = f64([1, 1, 1, 2], [1, 2]);
    const kernel = f64([1, 1, 1, 2], [10, 1]);
    const attrs: Conv2dAttrs = {
      ...plain,
      padding: [
        [0, 1],
        [2, 0],
      ],
    };
    expect(values("conv2d", [x, kernel], attrs)).toEqual([0, 1, 12, 0, 0, 0]);
  });

  it("with as many groups as channels is depthwise", () => {
    const x = f64([1, 2, 1, 2], [1, 2, 3, 4]);
    const kernel = f64([2, 1, 1, 1], [10, 100]);
    expect(values("conv2d", [x, kernel], { ...plain, groups: 2 })).toEqual([10, 20, 300, 400]);
  });

  it("equals its definition for all groups, strides, dilations and paddings", () => {
    fc.assert(
      fc.property(convCases, ({ attrs, xShape, kernelShape }) => {
        const x = integers(xShape, 1);
        const kernel = integers(kernelShape, 2);
        const y = apply("conv2d", [x, kernel], attrs);
        expect(Array.from(y.data)).toEqual(naiveConv2d(x, kernel, attrs, y.type.shape));
      }),
      { numRuns: 300 },
    );
  });

  it("of an empty batch is empty", () => {
    expect(apply("conv2d", [f64([0, 1, 2, 2], []), f64([3, 1, 1, 1], [1, 2, 3])], plain).type.shape).toEqual([
      0, 3, 2, 2,
    ]);
  });

  it("in f32 rounds each product and each partial sum in the order channel, row, column", () => {
    const floats = fc.float({ min: -8, max: 8, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(floats, { minLength: 8, maxLength: 8 }),
        fc.array(floats, { minLength: 8, maxLength: 8 }),
        (x, kernel) => {
          const expected = x.reduce((sum, element, i) => Math.fround(sum + Math.fround(element * kernel[i]!)), 0);
          const shape = [1, 2, 2, 2];
          expect(values("conv2d", [f32(shape, x), f32(shape, kernel)], plain, "f32")).toEqual([expected]);
          // One output element, so the kernel's gradient at x = g is the same sum with the roles changed.
          expect(values("matmul", [f32([1, 8], x), f32([8, 1], kernel)], {}, "f32")).toEqual([expected]);
        },
      ),
    );
  });
});

describe("the convolution's gradients are its adjoints", () => {
  it("<conv(x, w), g> = <x, inputGrad(g, w)> = <w, kernelGrad(x, g)>", () => {
    fc.assert(
      fc.property(convCases, ({ attrs, xShape, kernelShape }) => {
        const x = integers(xShape, 1);
        const kernel = integers(kernelShape, 2);
        const y = apply("conv2d", [x, kernel], attrs);
        const g = integers(y.type.shape, 3);
        const xGrad = apply("conv2dInputGrad", [g, kernel], { ...attrs, inputShape: xShape });
        const kernelGrad = apply("conv2dKernelGrad", [x, g], { ...attrs, kernelShape });
        expect(xGrad.type.shape).toEqual(xShape);
        expect(kernelGrad.type.shape).toEqual(kernelShape);
        expect(dot(x, xGrad)).toBe(dot(y, g));
        expect(dot(kernel, kernelGrad)).toBe(dot(y, g));
      }),
      { numRuns: 300 },
    );
  });

  it("in f32 the kernel's gradient sums picture by picture, row by row, rounding each step", () => {
    const floats = fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(floats, floats, (x, g) => {
        const expected = x.reduce((sum, element, i) => Math.fround(sum + Math.fround(element * g[i]!)), 0);
        const shape = [2, 1, 2, 2];
        const attrs = { ...plain, kernelShape: [1, 1, 1, 1] };
        expect(values("conv2dKernelGrad", [f32(shape, x), f32(shape, g)], attrs, "f32")).toEqual([expected]);
      }),
    );
  });
});

describe("matmul", () => {
  it("of two matrices", () => {
    const a = f64([2, 3], [1, 2, 3, 4, 5, 6]);
    const b = f64([3, 2], [1, 0, 0, 1, 1, 1]);
    expect(values("matmul", [a, b], {})).toEqual([4, 5, 10, 11]);
  });

  it("multiplies each matrix of a batch by its own partner", () => {
    const a = integers([2, 2, 2, 3], 1);
    const b = integers([2, 2, 3, 4], 2);
    const y = apply("matmul", [a, b], {});
    expect(y.type.shape).toEqual([2, 2, 2, 4]);
    const part = (x: TensorData, i: number): TensorData => {
      const shape = x.type.shape.slice(2);
      const size = sizeOf(shape);
      return f64(shape, Array.from(x.data.slice(i * size, (i + 1) * size)));
    };
    for (let i = 0; i < 4; i++) {
      expect(part(y, i).data).toEqual(apply("matmul", [part(a, i), part(b, i)], {}).data);
    }
  });

  it("over an empty inner dimension is 0", () => {
    expect(values("matmul", [f64([2, 0], []), f64([0, 1], [])], {})).toEqual([0, 0]);
  });

  it("is the 1 x 1 convolution with channels moved last", () => {
    const x = integers([2, 3, 2, 2], 1);
    const kernel = integers([4, 3, 1, 1], 2);
    const rows = apply("reshape", [apply("transpose", [x], { permutation: [0, 2, 3, 1] })], { shape: [8, 3] });
    const weights = apply("transpose", [apply("reshape", [kernel], { shape: [4, 3] })], { permutation: [1, 0] });
    const y = apply("reshape", [apply("matmul", [rows, weights], {})], { shape: [2, 2, 2, 4] });
    expect(values("transpose", [y], { permutation: [0, 3, 1, 2] })).toEqual(values("conv2d", [x, kernel], plain));
  });
});

import type { AttrsOf, Conv2dAttrs, Shape, TensorType } from "asl-core";
import { type Axis, type GemmProblem, simplifyProblem, type Window } from "./problem.js";

export type ContractionOp = "matmul" | "conv2d" | "conv2dInputGrad" | "conv2dKernelGrad";

/** Input channels of a group that fill the columns of a tile. */
const WIDE = 16;

type Mappings = {
  readonly [K in ContractionOp]: (inputs: readonly Shape[], output: Shape, attrs: AttrsOf<K>) => GemmProblem;
};

const MAPPINGS: Mappings = {
  /** y[l, m, n] = sum_k a[l, m, k] b[l, k, n] */
  matmul([a, b], output) {
    const [rows, terms] = a!.slice(-2) as [number, number];
    const columns = b!.at(-1)!;
    return {
      batch: [
        axis(
          "l",
          output.slice(0, -2).reduce((size, extent) => size * extent, 1),
        ),
      ],
      m: [axis("m", rows)],
      n: [axis("n", columns)],
      k: [axis("k", terms)],
      a: { source: 0, strides: { l: rows * terms, m: terms, k: 1 }, windows: [] },
      b: { source: 1, strides: { l: terms * columns, k: columns, n: 1 }, windows: [] },
      output: { l: rows * columns, m: columns, n: 1 },
    };
  },

  /** y[p, g.o, i, j] = sum_{c,u,v} kernel[g.o, c, u, v] x[p, g.c, i sh + u dh - top, j sw + v dw - left] */
  conv2d([x, kernel], y, attrs) {
    const geometry = geometryOf(x!, kernel!, y, attrs);
    return {
      batch: [geometry.g],
      m: [geometry.o],
      n: [geometry.p, geometry.i, geometry.j],
      k: [geometry.c, geometry.u, geometry.v],
      a: { source: 1, strides: geometry.kernel, windows: [] },
      b: { source: 0, ...geometry.xByOutput },
      output: geometry.y,
    };
  },

  /** dx[p, g.c, h, w] = sum_{o,u,v} kernel[g.o, c, u, v] dy[p, g.o, (h + top - u dh) / sh, (w + left - v dw) / sw] */
  conv2dInputGrad([outputGrad, kernel], x, attrs) {
    const geometry = geometryOf(x, kernel!, outputGrad!, attrs);
    return {
      batch: [geometry.g],
      m: [geometry.c],
      n: [geometry.p, geometry.h, geometry.w],
      k: [geometry.o, geometry.u, geometry.v],
      a: { source: 1, strides: geometry.kernel, windows: [] },
      b: { source: 0, ...geometry.yByInput },
      output: geometry.x,
    };
  },

  /** dkernel[g.o, c, u, v] = sum_{p,i,j} dy[p, g.o, i, j] x[p, g.c, i sh + u dh - top, j sw + v dw - left] */
  conv2dKernelGrad([x, outputGrad], kernel, attrs) {
    const geometry = geometryOf(x!, kernel, outputGrad!, attrs);
    // With many channels each kernel element is a product of its own, whose terms all lie inside of the image.
    const taps = [geometry.u, geometry.v];
    const isWide = geometry.c.extent >= WIDE;
    return {
      batch: [geometry.g, ...(isWide ? taps : [])],
      m: [geometry.o],
      n: [geometry.c, ...(isWide ? [] : taps)],
      k: [geometry.p, geometry.i, geometry.j],
      a: { source: 1, strides: geometry.y, windows: [] },
      b: { source: 0, ...geometry.xByOutput },
      output: geometry.kernel,
    };
  },
};

/** The contraction of an op as one matrix product. */
export function problemOf<K extends ContractionOp>(
  op: K,
  inputs: readonly TensorType[],
  output: TensorType,
  attrs: AttrsOf<K>,
): GemmProblem {
  const mapping: Mappings[K] = MAPPINGS[op];
  const shapes = inputs.map(({ shape }) => shape);
  return simplifyProblem(mapping(shapes, output.shape, attrs));
}

const axis = (name: string, extent: number): Axis => ({ name, extent });

/**
 * The axes of a convolution and how x [N,C,H,W], kernel [O,C/groups,kH,kW] and y [N,O,H',W'] step along them:
 * p pictures, g groups, o and c output and input channels of a group, h and w image, i and j output, u and v kernel.
 */
function geometryOf(x: Shape, kernel: Shape, y: Shape, { strides, padding, dilations, groups }: Conv2dAttrs) {
  const [pictures, channels, height, width] = x as [number, number, number, number];
  const [outputs, perGroup, kernelHeight, kernelWidth] = kernel as [number, number, number, number];
  const [, , outHeight, outWidth] = y as [number, number, number, number];
  const outputsPerGroup = outputs / groups;
  const plane = height * width;
  const outPlane = outHeight * outWidth;
  const taps = kernelHeight * kernelWidth;
  const xPlanes = { p: channels * plane, g: perGroup * plane, c: plane };
  const yPlanes = { p: outputs * outPlane, g: outputsPerGroup * outPlane, o: outPlane };
  return {
    p: axis("p", pictures),
    g: axis("g", groups),
    o: axis("o", outputsPerGroup),
    c: axis("c", perGroup),
    h: axis("h", height),
    w: axis("w", width),
    i: axis("i", outHeight),
    j: axis("j", outWidth),
    u: axis("u", kernelHeight),
    v: axis("v", kernelWidth),
    x: { ...xPlanes, h: width, w: 1 },
    y: { ...yPlanes, i: outWidth, j: 1 },
    kernel: { g: outputsPerGroup * perGroup * taps, o: perGroup * taps, c: taps, u: kernelWidth, v: 1 },
    xByOutput: {
      strides: xPlanes,
      windows: [
        window({ i: strides[0], u: dilations[0] }, -padding[0][0], 1, height, width),
        window({ j: strides[1], v: dilations[1] }, -padding[1][0], 1, width, 1),
      ],
    },
    yByInput: {
      strides: yPlanes,
      windows: [
        window({ h: 1, u: -dilations[0] }, padding[0][0], strides[0], outHeight, outWidth),
        window({ w: 1, v: -dilations[1] }, padding[1][0], strides[1], outWidth, 1),
      ],
    },
  };
}

const window = (
  factors: Window["factors"],
  offset: number,
  divisor: number,
  extent: number,
  stride: number,
): Window => ({ factors, offset, divisor, extent, stride });

import { broadcastTo } from "../functions/broadcasting.js";
import { matmul } from "../functions/contraction.js";
import { cast, div, equal, less, log, mul, neg, pow, select, sub } from "../functions/elementwise.js";
import { pad, reduceSum, reshape, sliceAxis, transpose } from "../functions/shape.js";

import type { Value } from "../graph/builder.js";
import type { Conv2dAttrs } from "../ops/contraction.js";
import type { AttrsOf, OpName, OpTable } from "../ops/table.js";
import { i32 } from "../types/tensor.js";
import { unpad } from "./unpad.js";

/** One node seen from its output: y = op(inputs), g = d loss / d y. */
export interface VjpContext<A> {
  readonly inputs: readonly Value[];
  readonly y: Value;
  readonly g: Value;
  readonly attrs: A;
  /** Whether the gradient of input i is wanted; others may be left undefined. */
  readonly needs: readonly boolean[];
}

/** d loss / d input for each input; undefined means zero. */
export type Vjp<A> = (context: VjpContext<A>) => readonly (Value | undefined)[];

const none = () => [];

/** The calculus of every op, on one page. */
export const VJPS: OpTable<{ [K in OpName]: Vjp<AttrsOf<K>> }> = {
  constant: none,

  // d(-x) = -dx
  neg: ({ g }) => [neg(g)],
  // d|x| = (x < 0 ? -1 : +1) dx; +1 at 0
  abs: ({ g, inputs: [x] }) => [select(less(x!, 0), neg(g), g)],
  floor: none,
  // d e^x = e^x dx
  exp: ({ g, y }) => [mul(g, y)],
  // d log x = dx / x
  log: ({ g, inputs: [x] }) => [div(g, x!)],
  // d sqrt(x) = dx / (2 sqrt(x))
  sqrt: ({ g, y }) => [div(g, mul(2, y))],
  // d s(x) = s (1 - s) dx
  sigmoid: ({ g, y }) => [mul(g, mul(y, sub(1, y)))],

  // d(a + b) = da + db
  add: ({ g }) => [g, g],
  // d(a - b) = da - db
  sub: ({ g, needs }) => [g, needs[1] ? neg(g) : undefined],
  // d(a b) = b da + a db
  mul: ({ g, inputs: [a, b], needs }) => [needs[0] ? mul(g, b!) : undefined, needs[1] ? mul(g, a!) : undefined],
  // d(a / b) = da / b - a db / b^2 = da / b - (y / b) db
  div: ({ g, inputs: [, b], y, needs }) => [
    needs[0] ? div(g, b!) : undefined,
    needs[1] ? neg(mul(g, div(y, b!))) : undefined,
  ],
  // d a^b = b a^(b-1) da + a^b log(a) db; both 0 where the factor b, or a^b at a = 0, is 0
  pow: ({ g, inputs: [a, b], y, needs }) => [
    needs[0] ? mul(g, select(equal(b!, 0), 0, mul(b!, pow(a!, sub(b!, 1))))) : undefined,
    needs[1] ? mul(g, select(less(0, a!), mul(y, log(select(less(0, a!), a!, 1))), 0)) : undefined,
  ],
  // d max(a, b) = a > b ? da : db
  max: ({ g, inputs: [a, b], needs }) => route(g, less(b!, a!), needs),
  // d min(a, b) = a < b ? da : db
  min: ({ g, inputs: [a, b], needs }) => route(g, less(a!, b!), needs),
  less: none,
  equal: none,
  // d(c ? a : b) = c ? da : db
  select: ({ g, inputs: [condition], needs }) => [undefined, ...route(g, condition!, [needs[1]!, needs[2]!])],
  // f32 to f32 only; everything else is a step function
  cast: ({ g, inputs: [x], attrs }) => [x!.type.dtype === "f32" && attrs.to === "f32" ? g : undefined],
  stopGradient: none,

  // sum and broadcast are each other's transposes
  reduceSum: ({ g, inputs: [x], attrs }) => [spread(g, x!, attrs.axes)],
  // ties share: dx = g [x = y] / count
  reduceMax({ g, inputs: [x], y, attrs }) {
    const isMax = cast(equal(x!, spread(y, x!, attrs.axes)), "f32");
    return [mul(isMax, spread(div(g, reduceSum(isMax, attrs.axes)), x!, attrs.axes))];
  },
  broadcast: ({ g, attrs }) => [
    reduceSum(
      g,
      attrs.shape.flatMap((_, axis) => (attrs.axes.includes(axis) ? [] : [axis])),
    ),
  ],

  // Movement: move the gradient back
  reshape: ({ g, inputs: [x] }) => [reshape(g, x!.shape)],
  transpose({ g, attrs: { permutation } }) {
    const inverse = new Array<number>(permutation.length);
    permutation.forEach((from, to) => {
      inverse[from] = to;
    });
    return [transpose(g, inverse)];
  },
  pad: ({ g, attrs }) => [unpad(g, attrs)],
  slice: ({ g, inputs: [x], attrs: { starts, ends } }) => [
    pad(
      g,
      starts,
      x!.shape.map((extent, axis) => extent - ends[axis]!),
    ),
  ],
  concat({ g, inputs, attrs: { axis } }) {
    let start = 0;
    return inputs.map((part) => {
      const end = start + part.shape[axis]!;
      const piece = sliceAxis(g, axis, start, end);
      start = end;
      return piece;
    });
  },
  // d table = onehot(indices)^T g, the sum over repeated indices included
  gather({ g, inputs: [table, indices], attrs: { axis }, needs }) {
    if (!needs[0]) return [];
    return [scatterAdd(g, table!, indices!, axis)];
  },

  // d(A B) = dA B + A dB:  dA = G B^T, dB = A^T G
  matmul: ({ g, inputs: [a, b], needs }) => [
    needs[0] ? matmul(g, transposeMatrix(b!)) : undefined,
    needs[1] ? matmul(transposeMatrix(a!), g) : undefined,
  ],
  // y, dx and dw are bilinear in one another; each gradient is one of the other two forms
  conv2d: ({ g, inputs: [x, kernel], attrs, needs }) => [
    needs[0] ? inputGrad(g, kernel!, x!, attrs) : undefined,
    needs[1] ? kernelGrad(x!, g, kernel!, attrs) : undefined,
  ],
  conv2dInputGrad: ({ g, inputs: [outputGrad, kernel], attrs, needs }) => [
    needs[0] ? g.builder.apply("conv2d", [g, kernel!], geometry(attrs)) : undefined,
    needs[1] ? kernelGrad(g, outputGrad!, kernel!, attrs) : undefined,
  ],
  conv2dKernelGrad: ({ g, inputs: [x, outputGrad], attrs, needs }) => [
    needs[0] ? inputGrad(outputGrad!, g, x!, attrs) : undefined,
    needs[1] ? g.builder.apply("conv2d", [x!, g], geometry(attrs)) : undefined,
  ],
};

/** g where the condition holds goes to the first, elsewhere to the second. */
function route(g: Value, condition: Value, needs: readonly boolean[]): (Value | undefined)[] {
  return [needs[0] ? select(condition, g, 0) : undefined, needs[1] ? select(condition, 0, g) : undefined];
}

/** A reduced value repeated along the axes that the reduction removed from x. */
function spread(reduced: Value, x: Value, removed: readonly number[]): Value {
  const axes = x.shape.flatMap((_, axis) => (removed.includes(axis) ? [] : [axis]));
  return reduced.builder.apply("broadcast", [reduced], { shape: x.shape, axes });
}

function transposeMatrix(x: Value): Value {
  const rank = x.shape.length;
  return transpose(x, [...Array.from({ length: rank - 2 }, (_, axis) => axis), rank - 1, rank - 2]);
}

const geometry = ({ strides, padding, dilations, groups }: Conv2dAttrs): Conv2dAttrs => ({
  strides,
  padding,
  dilations,
  groups,
});

const inputGrad = (outputGrad: Value, kernel: Value, x: Value, attrs: Conv2dAttrs) =>
  kernel.builder.apply("conv2dInputGrad", [outputGrad, kernel], { ...geometry(attrs), inputShape: x.shape });

const kernelGrad = (x: Value, outputGrad: Value, kernel: Value, attrs: Conv2dAttrs) =>
  x.builder.apply("conv2dKernelGrad", [x, outputGrad], { ...geometry(attrs), kernelShape: kernel.shape });

function scatterAdd(g: Value, table: Value, indices: Value, axis: number): Value {
  const { builder } = g;
  const before = table.shape.slice(0, axis);
  const after = table.shape.slice(axis + 1);
  const size = table.shape[axis]!;
  const count = indices.shape.reduce((product, extent) => product * extent, 1);
  const inner = after.reduce((product, extent) => product * extent, 1);
  const outer = before.reduce((product, extent) => product * extent, 1);
  // onehot[s, i] = (indices[i] = s)
  const rows = builder.constant(
    i32(
      [size, 1],
      Array.from({ length: size }, (_, row) => row),
    ),
  );
  const flat = reshape(indices, [1, count]);
  const onehot = cast(
    equal(broadcastTo(cast(flat, "f32"), [size, count]), broadcastTo(cast(rows, "f32"), [size, count])),
    "f32",
  );
  // [outer, count, inner] -> [count, outer * inner]
  const columns = reshape(transpose(reshape(g, [outer, count, inner]), [1, 0, 2]), [count, outer * inner]);
  const sums = reshape(matmul(onehot, columns), [size, outer, inner]);
  return reshape(transpose(sums, [1, 0, 2]), table.shape);
}

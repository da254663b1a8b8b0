import fc from "fast-check";
import { Builder, type Value } from "../src/graph/builder.js";
import type { Graph } from "../src/graph/graph.js";
import {
  bool,
  type DType,
  f32,
  i32,
  type Shape,
  sizeOf,
  type TensorData,
  type Tensors,
  type TensorType,
} from "./tensors.js";

/** What a random choice may ask for; fast-check shrinks the answers. */
type Pick = <T>(options: readonly T[]) => T;
interface Draw {
  readonly pick: Pick;
  /** 0 .. most, both included. */
  readonly whole: (most: number) => number;
}

export interface RandomCase {
  readonly graph: Graph;
  readonly feeds: Tensors;
}

/** Elements that leave the other argument of some op as it is, or nearly. */
const NEUTRAL = [0, -0, 1];
/** Numbers where rewrites go wrong: both zeros, NaN, infinities, subnormals, halves, values that round. */
const NUMBERS = [0, -0, -0, 1, -1, 0.5, -2.5, 3, 0.1, 1e-40, 3e38, -3e38, Infinity, -Infinity, Number.NaN];

/** Elements of the values that ops read; without it outer products would grow without end. */
const LARGEST = 200;

/**
 * Graphs of every op with feeds, rich in what passes look for: repeated subexpressions, dead nodes, constants, chains
 * of movements, neutral elements, broadcasts under elementwise ops.
 */
export const randomCase: fc.Arbitrary<RandomCase> = fc.gen().map((g) => {
  // Unbiased: fast-check would prefer small numbers, here the first op, shape and value of each list.
  const whole = (most: number) => g(wholeUpTo, most);
  return makeCase({ whole, pick: (options) => options[whole(options.length - 1)]! });
});

const wholeUpTo = (most: number) => fc.noBias(fc.nat({ max: most }));

function makeCase(draw: Draw): RandomCase {
  const builder = new Builder();
  const values: Value[] = [];
  const feeds: Record<string, TensorData> = {};
  const addInput = (): void => {
    const name = `x${Object.keys(feeds).length}`;
    const type: TensorType = { dtype: draw.pick(["f32", "f32", "f32", "bool"]), shape: randomShape(draw) };
    feeds[name] = randomTensor(draw, type);
    values.push(builder.input(name, type));
  };
  addInput();
  addInput();
  let previous: Step = draw.pick(STEPS);
  const steps = 1 + draw.whole(24);
  for (let step = 0; step < steps; step++) {
    builder.scope(draw.pick(["a", "b.0", ""]), () => {
      const kind = draw.whole(9);
      if (kind === 0) addInput();
      else if (kind === 1) values.push(randomConstant(draw, builder));
      else {
        // The same kind again, or a slice of what there is, is where most rewrites have something to do.
        previous = draw.pick([previous, draw.pick(STEPS), draw.pick(STEPS), slice]);
        values.push(previous(draw, builder, values));
      }
    });
  }
  // Most values are outputs, so that a rewrite gone wrong is seen; the rest may be dead.
  const outputs = Object.fromEntries(values.flatMap((value, i) => (draw.whole(3) > 0 ? [[`y${i}`, value]] : [])));
  return { graph: builder.finish(outputs), feeds };
}

const randomShape = ({ pick, whole }: Draw): Shape => Array.from({ length: whole(3) }, () => pick([1, 2, 3]));

function randomTensor({ pick }: Draw, type: TensorType): TensorData {
  const size = sizeOf(type.shape);
  const values = Array.from({ length: size }, () => (type.dtype === "f32" ? pick(NUMBERS) : pick([0, 1])));
  return { f32, i32, bool }[type.dtype](type.shape, values);
}

function randomConstant(draw: Draw, builder: Builder): Value {
  if (draw.whole(1) === 0) return builder.constant(draw.pick(NUMBERS));
  const type: TensorType = { dtype: draw.pick<DType>(["f32", "bool", "i32"]), shape: randomShape(draw) };
  return builder.constant(randomTensor(draw, type));
}

type Step = (draw: Draw, builder: Builder, values: readonly Value[]) => Value;

/** Any small value of the dtype; a constant when there is none. */
function any({ pick }: Draw, builder: Builder, values: readonly Value[], dtype?: DType): Value {
  const fitting = values.filter(
    ({ type }) => (dtype === undefined || type.dtype === dtype) && sizeOf(type.shape) <= LARGEST,
  );
  // A recent one more often than not: that makes chains.
  if (fitting.length > 0) return pick(pick([fitting, fitting.slice(-2), fitting.slice(-1)]));
  const tensor = { f32: f32([2], [1, -0]), i32: i32([2], [1, 0]), bool: bool([2], [1, 0]) }[dtype ?? "f32"];
  return builder.constant(tensor);
}

/** A value of this very type: one of those there are, or a neutral or special number broadcast to the shape. */
function anyLike(draw: Draw, builder: Builder, values: readonly Value[], { dtype, shape }: TensorType): Value {
  const fitting = values.filter((value) => value.type.dtype === dtype && `${value.shape}` === `${shape}`);
  if (fitting.length > 0 && draw.whole(2) > 0) return draw.pick(fitting);
  const source =
    dtype === "f32"
      ? builder.constant(draw.pick(draw.pick([NEUTRAL, NUMBERS])))
      : builder.constant(randomTensor(draw, { dtype, shape: [] }));
  return shape.length === 0 ? source : builder.apply("broadcast", [source], { shape, axes: [] });
}

const unary =
  (op: "neg" | "abs" | "floor" | "exp" | "log" | "sqrt" | "sigmoid"): Step =>
  (draw, builder, values) =>
    builder.apply(op, [any(draw, builder, values, "f32")], {});

const binary =
  (op: "add" | "sub" | "mul" | "div" | "max" | "min" | "pow" | "less" | "equal"): Step =>
  (draw, builder, values) => {
    const a = any(draw, builder, values, "f32");
    const b = anyLike(draw, builder, values, a.type);
    return builder.apply(op, draw.whole(1) === 0 ? [a, b] : [b, a], {});
  };

const slice: Step = (draw, builder, values) => {
  const x = any(draw, builder, values);
  const starts = x.shape.map((extent) => draw.whole(Math.min(1, extent)));
  const ends = x.shape.map((extent, axis) => extent - draw.whole(Math.min(1, extent - starts[axis]!)));
  return builder.apply("slice", [x], { starts, ends });
};

const COMPUTATIONS: readonly Step[] = [
  ...(["neg", "abs", "floor", "exp", "log", "sqrt", "sigmoid", "neg", "abs"] as const).map(unary),
  ...(["add", "sub", "mul", "div", "max", "min", "pow", "less", "equal", "add", "mul", "sub", "div"] as const).map(
    binary,
  ),
  (draw, builder, values) => {
    const a = any(draw, builder, values);
    const condition = anyLike(draw, builder, values, { dtype: "bool", shape: a.shape });
    return builder.apply("select", [condition, a, anyLike(draw, builder, values, a.type)], {});
  },
  (draw, builder, values) => {
    const x = any(draw, builder, values);
    // i32 of a huge number has no meaning; only bool becomes i32 here.
    const to = draw.pick<DType>(x.type.dtype === "f32" ? ["f32", "bool"] : ["f32", "i32", "bool"]);
    return builder.apply("cast", [x], { to });
  },
  (draw, builder, values) => builder.apply("stopGradient", [any(draw, builder, values)], {}),
  ...(["reduceSum", "reduceMax"] as const).map(
    (op): Step =>
      (draw, builder, values) => {
        const x = any(draw, builder, values, "f32");
        return builder.apply(op, [x], {
          axes: x.shape.flatMap((extent, axis) => (extent > 0 && draw.whole(1) === 0 ? [axis] : [])),
        });
      },
  ),
];

const MOVEMENTS: readonly Step[] = [
  (draw, builder, values) => {
    const x = any(draw, builder, values);
    const ones = x.shape.filter((extent) => extent !== 1);
    const shape = draw.pick([x.shape, [sizeOf(x.shape)], [...x.shape].reverse(), ones, [1, ...x.shape]]);
    return builder.apply("reshape", [x], { shape });
  },
  (draw, builder, values) => {
    const x = any(draw, builder, values);
    const axes = x.shape.map((_, axis) => axis);
    const turns = draw.whole(axes.length);
    const permutation = [...axes.slice(turns), ...axes.slice(0, turns)];
    return builder.apply("transpose", [x], { permutation: draw.pick([permutation, [...axes].reverse()]) });
  },
  (draw, builder, values) => {
    const x = any(draw, builder, values);
    const shape: number[] = [];
    const axes: number[] = [];
    for (const extent of x.shape) {
      if (shape.length < 4 && draw.whole(2) === 0) shape.push(draw.pick([1, 2]));
      axes.push(shape.length);
      shape.push(extent);
    }
    if (shape.length < 4 && draw.whole(1) === 0) shape.push(draw.pick([1, 2]));
    return builder.apply("broadcast", [x], { shape, axes });
  },
  // One vector in two values along the rows and the columns of a square, then together
  (draw, builder, values) => {
    const x = any(draw, builder, values, "f32");
    const size = sizeOf(x.shape);
    if (size > 10) return x;
    const vector = builder.apply("reshape", [x], { shape: [size] });
    const spread = (part: Value) => builder.apply("broadcast", [part], { shape: [size, size], axes: [draw.whole(1)] });
    const [a, b] = [spread(vector), spread(builder.apply("neg", [vector], {}))];
    return builder.apply(draw.pick(["add", "mul", "max"]), [a, b], {});
  },
  (draw, builder, values) => {
    const x = any(draw, builder, values);
    const width = () => x.shape.map(() => draw.pick([0, 0, 1, 2]));
    const value = x.type.dtype === "f32" ? draw.pick(NUMBERS) : draw.pick([0, 1]);
    return builder.apply("pad", [x], { low: width(), high: width(), mode: "constant", value });
  },
  (draw, builder, values) => {
    const x = any(draw, builder, values);
    const width = () => x.shape.map((extent) => draw.whole(Math.min(1, Math.max(extent - 1, 0))));
    const edge = { low: width(), high: width(), mode: draw.pick(["reflect", "edge"] as const), value: 0 };
    return x.shape.includes(0) ? x : builder.apply("pad", [x], edge);
  },
  slice,
  (draw, builder, values) => {
    const x = any(draw, builder, values);
    if (x.shape.length === 0) return x;
    const more = draw.whole(2);
    const parts = Array.from({ length: more }, () => anyLike(draw, builder, values, x.type));
    return builder.apply("concat", [x, ...parts], { axis: draw.whole(x.shape.length - 1) });
  },
  (draw, builder, values) => {
    const table = any(draw, builder, values);
    if (sizeOf(table.shape) === 0 || table.shape.length === 0) return table;
    const axis = draw.whole(table.shape.length - 1);
    const rows = Array.from({ length: draw.whole(2) }, () => draw.whole(table.shape[axis]! - 1));
    return builder.apply("gather", [table, builder.constant(i32([rows.length], rows))], { axis });
  },
];

const CONTRACTIONS: readonly Step[] = [
  (draw, builder, values) => {
    const a = any(draw, builder, values, "f32");
    const square = builder.apply("reshape", [a], { shape: [1, sizeOf(a.shape)] });
    const turned = builder.apply("transpose", [square], { permutation: [1, 0] });
    return builder.apply("matmul", draw.whole(1) === 0 ? [square, turned] : [turned, square], {});
  },
  (draw, builder, values) => {
    const a = any(draw, builder, values, "f32");
    if (sizeOf(a.shape) === 0) return a;
    const x = builder.apply("reshape", [a], { shape: [1, 1, 1, sizeOf(a.shape)] });
    const stride = 1 + draw.whole(1);
    const attrs = {
      strides: [stride, 1],
      padding: [
        [0, 1],
        [1, 0],
      ],
      dilations: [1, 1],
      groups: 1,
    } as const;
    const kernel = builder.constant(f32([1, 1, 1, 1], [draw.pick([1, -0.5, 0])]));
    const y = builder.apply("conv2d", [x, kernel], attrs);
    const grads = [
      () => builder.apply("conv2dInputGrad", [y, kernel], { ...attrs, inputShape: x.shape }),
      () => builder.apply("conv2dKernelGrad", [x, y], { ...attrs, kernelShape: kernel.shape }),
    ];
    return draw.pick([() => y, ...grads])();
  },
];

const STEPS: readonly Step[] = [...COMPUTATIONS, ...MOVEMENTS, ...MOVEMENTS, ...CONTRACTIONS];

import {
  type AnyNode,
  type Graph,
  type OpName,
  producersOf,
  type Shape,
  sizeOf,
  stridesOf,
  type TensorData,
  type Tensors,
  type ValueId,
} from "asl-core";

/** An f32 value; what is stored into a Float32Array is rounded by that. */
export type Reals = Float32Array | Float64Array;

// loops, into an array that is there: some 100,000 elements, in a program that does so once, before it is compiled
const unary =
  (f: (x: number) => number): Arithmetic =>
  (result, [x]) => {
    for (let i = 0; i < result.length; i++) result[i] = f(x![i]!);
  };
const binary =
  (f: (a: number, b: number) => number): Arithmetic =>
  (result, [a, b]) => {
    for (let i = 0; i < result.length; i++) result[i] = f(a![i]!, b![i]!);
  };

type Arithmetic = (result: Reals, inputs: readonly Reals[]) => void;

/** Ops that round correctly everywhere: in float32 the folded bits are those of a run. */
const ROUNDED: Partial<Record<OpName, Arithmetic>> = {
  neg: unary((x) => -x),
  abs: unary(Math.abs),
  floor: unary(Math.floor),
  sqrt: unary(Math.sqrt),
  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
  mul: binary((a, b) => a * b),
  div: binary((a, b) => a / b),
  max: binary(Math.max),
  min: binary(Math.min),
};

/**
 * Values of a graph that depend on nothing but constants and given inputs, computed when asked for. They may be the memory
 * of what was given: not to be written to.
 */
export class ConstantValues {
  readonly #graph: Graph;
  readonly #producers: readonly (AnyNode | undefined)[];
  readonly #values: Map<ValueId, Reals | undefined>;
  readonly #allocate: (size: number) => Reals;

  /**
   * `inputs`: graph inputs that do not change, by name. `precision`: `f32` rounds after every op, as a run does; `f64`
   * leaves the one rounding to the initializer.
   */
  constructor(graph: Graph, inputs: Tensors, precision: "f32" | "f64") {
    this.#graph = graph;
    this.#producers = producersOf(graph);
    this.#allocate = precision === "f32" ? (size) => new Float32Array(size) : (size) => new Float64Array(size);
    // given tensors are float32, whatever holds them
    this.#values = new Map(Object.entries(inputs).map(([name, given]) => [graph.inputs[name]!, realsOf(given)]));
  }

  /** Undefined when it depends on a run, or on an op that is not folded. */
  get(value: ValueId): Reals | undefined {
    if (this.#values.has(value)) return this.#values.get(value);
    const result = this.#compute(value);
    this.#values.set(value, result);
    return result;
  }

  #compute(value: ValueId): Reals | undefined {
    const { dtype, shape } = this.#graph.types[value]!;
    const node = this.#producers[value];
    if (dtype !== "f32" || node === undefined) return undefined;
    if (node.op === "constant") return filled(this.#allocate(sizeOf(shape)), node.attrs.value.data);
    const arithmetic = ROUNDED[node.op];
    const isView = node.op === "reshape" || node.op === "stopGradient";
    if (arithmetic === undefined && !isView && node.op !== "broadcast" && node.op !== "transpose") return undefined;
    const inputs: Reals[] = [];
    for (const input of node.inputs) {
      const data = this.get(input);
      if (data === undefined) return undefined;
      inputs.push(data);
    }
    if (isView) return inputs[0]!;
    const result = this.#allocate(sizeOf(shape));
    if (arithmetic !== undefined) arithmetic(result, inputs);
    else move(result, inputs[0]!, shape, this.#steps(node));
    return result;
  }

  /** Of a broadcast or transpose: the step in the input for one step along each axis of the output. */
  #steps(node: AnyNode): number[] {
    const strides = stridesOf(this.#graph.types[node.inputs[0]!]!.shape);
    if (node.op === "transpose") return node.attrs.permutation.map((axis) => strides[axis]!);
    const axes = node.op === "broadcast" ? node.attrs.axes : [];
    return this.#graph.types[node.output]!.shape.map((_, axis) => strides[axes.indexOf(axis)] ?? 0);
  }
}

const realsOf = ({ type, data }: TensorData): Reals | undefined => {
  if (type.dtype !== "f32") return undefined;
  return data instanceof Float32Array || data instanceof Float64Array ? data : Float32Array.from(data);
};

function filled(result: Reals, data: ArrayLike<number>): Reals {
  result.set(data);
  return result;
}

/** Elements of `source` in the row-major order of `shape`, `steps[axis]` apart. */
function move(result: Reals, source: Reals, shape: Shape, steps: readonly number[]): void {
  if (source.length === 1) {
    result.fill(source[0]!);
    return;
  }
  const strides = stridesOf(shape);
  for (let i = 0; i < result.length; i++) {
    let offset = 0;
    for (let axis = 0, rest = i; axis < shape.length; axis++) {
      const index = Math.floor(rest / strides[axis]!);
      rest -= index * strides[axis]!;
      offset += index * steps[axis]!;
    }
    result[i] = source[offset]!;
  }
}

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

type Reals = Float64Array;

type Rounding = (x: number) => number;

// loops: an array's map calls a function for each of some 100,000 elements, in a program that does so once
const unary =
  (f: (x: number) => number): Arithmetic =>
  (round, [x]) => {
    const result = new Float64Array(x!.length);
    for (let i = 0; i < result.length; i++) result[i] = round(f(x![i]!));
    return result;
  };
const binary =
  (f: (a: number, b: number) => number): Arithmetic =>
  (round, [a, b]) => {
    const result = new Float64Array(a!.length);
    for (let i = 0; i < result.length; i++) result[i] = round(f(a![i]!, b![i]!));
    return result;
  };

type Arithmetic = (round: Rounding, inputs: readonly Reals[]) => Reals;

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

/** Values of a graph that depend on nothing but constants and given inputs, computed when asked for. */
export class ConstantValues {
  readonly #graph: Graph;
  readonly #producers: readonly (AnyNode | undefined)[];
  readonly #known: ReadonlyMap<ValueId, TensorData>;
  readonly #values = new Map<ValueId, Reals | undefined>();
  readonly #round: Rounding;

  /**
   * `inputs`: graph inputs that do not change, by name. `precision`: `f32` rounds after every op, as a run does; `f64`
   * leaves the one rounding to the initializer.
   */
  constructor(graph: Graph, inputs: Tensors, precision: "f32" | "f64") {
    this.#graph = graph;
    this.#producers = producersOf(graph);
    this.#known = new Map(Object.entries(inputs).map(([name, tensor]) => [graph.inputs[name]!, tensor]));
    this.#round = precision === "f32" ? Math.fround : (x) => x;
  }

  /** The f32 value in a float64 array; undefined when it depends on a run, or on an op that is not folded. */
  get(value: ValueId): Reals | undefined {
    // Given tensors are large and mostly read once: not kept in float64.
    const known = this.#known.get(value);
    if (known !== undefined) return known.type.dtype === "f32" ? new Float64Array(known.data) : undefined;
    if (this.#values.has(value)) return this.#values.get(value);
    const result = this.#compute(value);
    this.#values.set(value, result);
    return result;
  }

  /** The same without a copy of a given tensor: a kernel may be large. Not to be written to. */
  view(value: ValueId): Reals | Float32Array | undefined {
    const known = this.#known.get(value)?.data;
    return known instanceof Float32Array ? known : this.get(value);
  }

  #compute(value: ValueId): Reals | undefined {
    if (this.#graph.types[value]!.dtype !== "f32") return undefined;
    const node = this.#producers[value];
    if (node === undefined) return undefined;
    if (node.op === "constant") return new Float64Array(node.attrs.value.data).map(this.#round);
    const arithmetic = ROUNDED[node.op];
    const isView = node.op === "reshape" || node.op === "stopGradient";
    if (arithmetic === undefined && !isView && node.op !== "broadcast" && node.op !== "transpose") return undefined;
    const inputs: Reals[] = [];
    for (const input of node.inputs) {
      const data = this.get(input);
      if (data === undefined) return undefined;
      inputs.push(data);
    }
    if (arithmetic !== undefined) return arithmetic(this.#round, inputs);
    const { shape } = this.#graph.types[node.inputs[0]!]!;
    const strides = stridesOf(shape);
    const target = this.#graph.types[value]!.shape;
    // The step in the input for one step along each axis of the output.
    if (node.op === "broadcast") {
      const { axes } = node.attrs;
      return walk(
        inputs[0]!,
        target,
        target.map((_, axis) => strides[axes.indexOf(axis)] ?? 0),
      );
    }
    if (node.op === "transpose")
      return walk(
        inputs[0]!,
        target,
        node.attrs.permutation.map((axis) => strides[axis]!),
      );
    return inputs[0]!;
  }
}

/** Elements of `source` in the row-major order of `shape`, `steps[axis]` apart. */
function walk(source: Reals, shape: Shape, steps: readonly number[]): Reals {
  const strides = stridesOf(shape);
  return new Float64Array(sizeOf(shape)).map((_, i) => {
    let offset = 0;
    for (let axis = 0, rest = i; axis < shape.length; axis++) {
      const index = Math.floor(rest / strides[axis]!);
      rest -= index * strides[axis]!;
      offset += index * steps[axis]!;
    }
    return source[offset]!;
  });
}

import { type DType, sizeOf, type TensorData } from "asl-core";
import { ATTRIBUTE_TYPE, type AttributeProto, DATA_TYPE, type NodeProto, type TensorProto } from "../proto/messages.js";
import { int64Proto, tensorProto } from "../proto/tensors.js";

import type { EmittedOperator, OnnxOperator } from "./operators.js";

export type AttributeValue =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly string: string };

export type Attributes = Readonly<Record<string, AttributeValue>>;

/** ONNX element type of each dtype. */
export const ELEMENT_TYPE: Readonly<Record<DType, number>> = {
  f32: DATA_TYPE.float,
  i32: DATA_TYPE.int32,
  bool: DATA_TYPE.bool,
};

/** Appends ONNX nodes and initializers in order and gives every tensor and node a name of its own. */
export class OnnxWriter {
  readonly initializers: TensorProto[] = [];
  readonly #taken: Set<string>;
  readonly #reserved: ReadonlySet<string>;
  readonly #nodes: NodeProto[] = [];
  /** Names of tensors that nodes make. */
  readonly #produced = new Set<string>();
  /** Graph outputs that need a copy: tensor and output. */
  readonly #copies: (readonly [string, string])[] = [];
  readonly #renamed = new Map<string, string>();
  readonly #shared = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** `taken`: names of graph inputs and outputs. */
  constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken);
    this.#reserved = new Set(this.#taken);
  }

  /**
   * Appends a node with one output; returns the output's name, `scope/OpType`, numbered when it repeats.
   * `opType` is an operator of ONNX, or `domain::operator`.
   */
  emit(opType: EmittedOperator, inputs: readonly string[], attributes: Attributes, scope: string): string {
    return this.emitOutputs(opType, inputs, attributes, scope, 1)[0]!;
  }

  /** Makes a tensor the graph output `target`: by its name, or by a copy where it has a reserved one already. */
  output(name: string, target: string): void {
    const current = this.#renamed.get(name) ?? name;
    if (this.#produced.has(current)) this.#renamed.set(name, target);
    else this.#copies.push([current, target]);
  }

  /** The nodes under their final names; those that no output needs are left out. */
  finish(): NodeProto[] {
    const final = (name: string) => this.#renamed.get(name) ?? name;
    const renamed = this.#nodes.map((node) => ({
      ...node,
      input: node.input.map(final),
      output: node.output.map(final),
    }));
    const copies = this.#copies.map(([name, target]): NodeProto => {
      const opType: OnnxOperator = "Identity";
      return { name: this.#unique(`${target}/${opType}`), opType, input: [name], output: [target], attribute: [] };
    });
    const needed = new Set<string>(this.#reserved);
    const kept = [...renamed, ...copies].reverse().filter((node) => {
      const isNeeded = node.output.some((name) => needed.has(name));
      if (isNeeded) for (const name of node.input) needed.add(name);
      return isNeeded;
    });
    return kept.reverse();
  }

  /** Appends a node with `count` outputs. */
  emitOutputs(
    operator: EmittedOperator,
    inputs: readonly string[],
    attributes: Attributes,
    scope: string,
    count: number,
  ): string[] {
    const [opType, domain] = operator.split("::").reverse() as [string, string?];
    const name = this.#unique(scope === "" ? opType : `${scope}/${opType}`);
    const output = Array.from({ length: count }, (_, i) => (i === 0 ? name : this.#unique(`${name}:${i}`)));
    for (const tensor of output) this.#produced.add(tensor);
    this.#nodes.push({
      name,
      opType,
      ...(domain === undefined ? {} : { domain }),
      input: [...inputs],
      output,
      attribute: Object.entries(attributes).map(([key, value]) => attributeProto(key, value)),
    });
    return output;
  }

  /** Adds a tensor as an initializer; returns its name. Scalars are shared. */
  constant(value: TensorData, scope: string, part = "constant"): string {
    const { dtype, shape } = value.type;
    const data = dtype === "f32" && !(value.data instanceof Float32Array) ? new Float32Array(value.data) : value.data;
    const make = () => this.initializer(this.#unique(scope === "" ? part : `${scope}/${part}`), dtype, shape, data);
    if (sizeOf(shape) !== 1) return make();
    const bits = dtype === "f32" ? new Uint32Array(Float32Array.of(data[0]!).buffer)[0]! : data[0]!;
    return this.#share(`${dtype} ${shape.length} ${bits}`, make);
  }

  /** Adds named state or a constant as an initializer under exactly this name. */
  initializer(name: string, dtype: DType, shape: readonly number[], data: TensorData["data"]): string {
    const array = dtype === "f32" && !(data instanceof Float32Array) ? new Float32Array(data) : data;
    this.initializers.push(tensorProto(name, ELEMENT_TYPE[dtype], shape, array));
    return name;
  }

  /** A shared int64 vector (axes, shapes, pads). */
  int64(values: readonly number[]): string {
    return this.#share(`int64 ${values.join(",")}`, () => {
      const name = this.#unique(`int64[${values.join(",")}]`);
      this.initializers.push(int64Proto(name, values));
      return name;
    });
  }

  #share(key: string, make: () => string): string {
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#shared.set(key, made);
    return made;
  }

  #unique(base: string): string {
    let name = base;
    for (let count = this.#counts.get(base) ?? 0; this.#taken.has(name); ) {
      name = `${base}_${++count}`;
      this.#counts.set(base, count);
    }
    this.#taken.add(name);
    return name;
  }
}

function attributeProto(name: string, value: AttributeValue): AttributeProto {
  if ("int" in value) return { name, type: ATTRIBUTE_TYPE.int, i: value.int };
  if ("ints" in value) return { name, type: ATTRIBUTE_TYPE.ints, ints: [...value.ints] };
  if ("float" in value) return { name, type: ATTRIBUTE_TYPE.float, f: value.float };
  return { name, type: ATTRIBUTE_TYPE.string, s: new TextEncoder().encode(value.string) };
}

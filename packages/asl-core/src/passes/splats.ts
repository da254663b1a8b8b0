import type { ValueId } from "../graph/graph.js";
import { sizeOf, type TensorData } from "../types/tensor.js";
import type { GraphWriter } from "./graph-writer.js";

/** Knows the values whose elements are all one: a scalar broadcast, a uniform constant, and reshapes of them. */
export class Splats {
  readonly #writer: GraphWriter;
  /** The uniform element of each constant asked about. */
  readonly #elements = new Map<ValueId, number | undefined>();

  constructor(writer: GraphWriter) {
    this.#writer = writer;
  }

  /** Whether all elements are one, known or not. */
  isSplat(id: ValueId): boolean {
    const source = this.#sourceOf(id);
    if (source === undefined) return false;
    return this.#writer.typeOf(source).shape.length === 0 || this.#uniformElement(source) !== undefined;
  }

  /** The one number that every element is, for values made of constants; undefined for all others. */
  elementOf(id: ValueId): number | undefined {
    const source = this.#sourceOf(id);
    return source === undefined ? undefined : this.#uniformElement(source);
  }

  /** The scalar that fills the value, written into the graph if need be; undefined where the elements may differ. */
  scalarOf(id: ValueId, scope: string): ValueId | undefined {
    const source = this.#sourceOf(id);
    if (source === undefined || this.#writer.typeOf(source).shape.length === 0) return source;
    const producer = this.#writer.producerOf(source);
    if (producer?.op !== "constant" || this.#uniformElement(source) === undefined) return undefined;
    return this.#writer.apply("constant", [], { value: firstElement(producer.attrs.value) }, scope);
  }

  /** Through reshapes and broadcasts of one element to a scalar or a constant. */
  #sourceOf(id: ValueId): ValueId | undefined {
    if (this.#writer.typeOf(id).shape.length === 0) return id;
    const producer = this.#writer.producerOf(id);
    if (producer?.op === "constant") return id;
    if (producer?.op === "reshape" || producer?.op === "broadcast") return this.#sourceOf(producer.inputs[0]!);
    return undefined;
  }

  #uniformElement(id: ValueId): number | undefined {
    if (this.#elements.has(id)) return this.#elements.get(id);
    const producer = this.#writer.producerOf(id);
    const element = producer?.op === "constant" ? uniformElement(producer.attrs.value) : undefined;
    this.#elements.set(id, element);
    return element;
  }
}

function uniformElement({ type, data }: TensorData): number | undefined {
  const first = data[0];
  if (first === undefined || sizeOf(type.shape) === 0) return undefined;
  for (let i = 1; i < data.length; i++) if (!Object.is(data[i], first)) return undefined;
  return first;
}

/** A scalar with the first element's bits, held as the tensor is. */
const firstElement = ({ type, data }: TensorData): TensorData => ({
  type: { dtype: type.dtype, shape: [] },
  data: data.slice(0, 1),
});

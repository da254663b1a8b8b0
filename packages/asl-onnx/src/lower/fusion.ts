import { type AnyNode, consumersOf, type Graph, producersOf, type TensorType, type ValueId } from "asl-core";
import type { Operand } from "./extent.js";
import type { Lowering } from "./lowering.js";

/** One ONNX form for a group of nodes that ends in `node`: what it reads, and how it is written. */
export interface Fusion {
  readonly inputs: readonly ValueId[];
  /** Further values that it makes; `lower` sets them. None of `inputs` may depend on them. */
  readonly also?: readonly ValueId[];
  lower(lowering: Lowering): Operand;
}

/** Recognises, by structure alone, a group of nodes that ends in `node`. */
export type FusionRule = (node: AnyNode, view: GraphView) => Fusion | undefined;

/** Questions that rules ask of a graph. */
export class GraphView {
  readonly #producers: readonly (AnyNode | undefined)[];
  readonly #consumers: readonly AnyNode[][];
  readonly #outputs: ReadonlySet<ValueId>;
  /** Place of each value's node in the topological order; graph inputs have none. */
  readonly #positions: ReadonlyMap<ValueId, number>;

  constructor(readonly graph: Graph) {
    this.#producers = producersOf(graph);
    this.#consumers = consumersOf(graph);
    this.#positions = new Map(graph.nodes.map(({ output }, position) => [output, position]));
    this.#outputs = new Set(Object.values(graph.outputs));
  }

  type(value: ValueId): TensorType {
    return this.graph.types[value]!;
  }

  /** The node that makes a value, seen through stopGradient. */
  producer(value: ValueId): AnyNode | undefined {
    const node = this.#producers[value];
    return node?.op === "stopGradient" ? this.producer(node.inputs[0]!) : node;
  }

  consumers(value: ValueId): readonly AnyNode[] {
    return this.#consumers[value]!;
  }

  /** Nothing but its one consumer reads this value. */
  isPrivate(value: ValueId): boolean {
    return this.#consumers[value]!.length === 1 && !this.#outputs.has(value);
  }

  isOutput(value: ValueId): boolean {
    return this.#outputs.has(value);
  }

  /** Whether a value is computed from any of `sources`. */
  dependsOn(value: ValueId, sources: readonly ValueId[]): boolean {
    const first = Math.min(...sources.map((source) => this.#positions.get(source) ?? -1));
    const seen = new Set<ValueId>();
    const reaches = (id: ValueId): boolean => {
      if (sources.includes(id)) return true;
      if ((this.#positions.get(id) ?? -1) < first || seen.has(id)) return false;
      seen.add(id);
      return this.#producers[id]?.inputs.some(reaches) ?? false;
    };
    return reaches(value);
  }

  /** The number that every element of a value is, when the graph says so. */
  uniform(value: ValueId): number | undefined {
    const node = this.producer(value);
    if (node?.op === "broadcast" || node?.op === "reshape") return this.uniform(node.inputs[0]!);
    if (node?.op !== "constant") return undefined;
    const { data } = node.attrs.value;
    const first = data[0];
    return first !== undefined && data.every((element) => Object.is(element, first)) ? first : undefined;
  }
}

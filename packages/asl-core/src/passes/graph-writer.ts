import type { AnyNode, Graph, Node, ValueId } from "../graph/graph.js";
import { type AttrsOf, definitionOf, type OpName } from "../ops/table.js";
import type { TensorType } from "../types/tensor.js";

/**
 * Writes a new graph while a pass reads an old one: same inputs, same output names, new values numbered densely,
 * inputs first. Every old value that is read later must be given its new one by `replace`.
 */
export class GraphWriter {
  readonly #source: Graph;
  readonly #nodes: AnyNode[] = [];
  readonly #types: TensorType[] = [];
  readonly #producers: (AnyNode | undefined)[] = [];
  readonly #inputs: Record<string, ValueId>;
  /** New value of each old one. */
  readonly #replacements: (ValueId | undefined)[];

  constructor(source: Graph) {
    this.#source = source;
    this.#replacements = new Array<ValueId | undefined>(source.types.length).fill(undefined);
    this.#inputs = Object.fromEntries(
      Object.entries(source.inputs).map(([name, id]) => {
        const value = this.#define(source.types[id]!, undefined);
        this.#replacements[id] = value;
        return [name, value];
      }),
    );
  }

  /** The new values of old ones. */
  translate(ids: readonly ValueId[]): ValueId[] {
    return ids.map((id) => this.#replacements[id]!);
  }

  replace(old: ValueId, by: ValueId): void {
    this.#replacements[old] = by;
  }

  /** The same node over new values. */
  copy(node: AnyNode): ValueId {
    const output = this.#write(node, this.translate(node.inputs), this.#source.types[node.output]!);
    this.replace(node.output, output);
    return output;
  }

  /** A node of the pass's own making; its inputs are new values. */
  apply<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: AttrsOf<K>, scope: string): ValueId {
    const type = definitionOf(op).infer(
      inputs.map((id) => this.typeOf(id)),
      attrs,
      scope,
    );
    // Node<K> for a generic K is one member of the union; TypeScript cannot see which.
    return this.#write({ op, attrs, scope } as unknown as AnyNode, inputs, type);
  }

  typeOf(id: ValueId): TensorType {
    return this.#types[id]!;
  }

  /** The node that makes a new value; undefined for graph inputs. */
  producerOf(id: ValueId): AnyNode | undefined {
    return this.#producers[id];
  }

  finish(): Graph {
    const outputs = Object.entries(this.#source.outputs);
    return {
      inputs: this.#inputs,
      outputs: Object.fromEntries(outputs.map(([name, id]) => [name, this.#replacements[id]!])),
      nodes: this.#nodes,
      types: this.#types,
    };
  }

  #write({ op, attrs, scope }: AnyNode, inputs: readonly ValueId[], type: TensorType): ValueId {
    const node: Node = { op, inputs, output: this.#types.length as ValueId, attrs, scope };
    // Op and attributes come from one node.
    const paired = node as AnyNode;
    this.#nodes.push(paired);
    return this.#define(type, paired);
  }

  #define(type: TensorType, producer: AnyNode | undefined): ValueId {
    this.#types.push(type);
    this.#producers.push(producer);
    return (this.#types.length - 1) as ValueId;
  }
}

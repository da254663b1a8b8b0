import type { AttributeProto, GraphProto, NodeProto, TensorProto } from "../proto/messages.js";

/** A convolution or fully connected layer whose weights are constants. */
export interface Layer {
  readonly name: string;
  readonly opType: "Conv" | "Gemm";
  readonly input: string;
  readonly output: string;
  /** [channels, ...]. */
  readonly kernel: TensorProto;
  readonly bias: TensorProto | undefined;
  readonly group: number;
}

/** Who makes and who reads each value of a graph; its layers. */
export class Topology {
  readonly producers = new Map<string, NodeProto>();
  readonly consumers = new Map<string, NodeProto[]>();
  readonly initializers: ReadonlyMap<string, TensorProto>;
  readonly outputs: ReadonlySet<string>;
  /** In the order of the graph. */
  readonly layers: readonly Layer[];

  constructor(readonly graph: GraphProto) {
    this.initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
    this.outputs = new Set(graph.output.map(({ name }) => name));
    for (const node of graph.node) {
      for (const output of node.output) this.producers.set(output, node);
      for (const input of node.input) this.consumers.set(input, [...(this.consumers.get(input) ?? []), node]);
    }
    const convolvedLater = this.#beforeConvolutions();
    this.layers = graph.node.flatMap((node) => {
      // fully connected before a convolution: squeeze-and-excitation, too small to be worth an error
      if (node.opType === "Gemm" && convolvedLater.has(node)) return [];
      return this.#layerOf(node) ?? [];
    });
  }

  /** Values without weights among a node's inputs. */
  activations(node: NodeProto): readonly string[] {
    return node.input.filter((input) => input !== "" && !this.initializers.has(input));
  }

  /**
   * Pad and Reshape only move elements and so may as well move quantised ones: the value behind them is the one to be
   * quantised.
   */
  source(value: string): string {
    const producer = this.producers.get(value);
    return producer !== undefined && movesElements(producer) ? this.source(producer.input[0]!) : value;
  }

  #layerOf(node: NodeProto): Layer | undefined {
    const [input, kernelName, biasName] = node.input;
    const kernel = this.initializers.get(kernelName ?? "");
    const bias = this.initializers.get(biasName ?? "");
    if (kernel === undefined || input === undefined || (biasName !== undefined && bias === undefined)) return undefined;
    const { opType } = node;
    const layer = { name: node.name, input, output: node.output[0]!, kernel, bias };
    if (opType === "Conv") return { ...layer, opType, group: attribute(node, "group")?.i ?? 1 };
    const isPlain = attribute(node, "transB")?.i === 1 && (attribute(node, "transA")?.i ?? 0) === 0;
    const isUnscaled = (attribute(node, "alpha")?.f ?? 1) === 1 && (attribute(node, "beta")?.f ?? 1) === 1;
    return opType === "Gemm" && isPlain && isUnscaled ? { ...layer, opType, group: 1 } : undefined;
  }

  /** Nodes from which a convolution can be reached. */
  #beforeConvolutions(): ReadonlySet<NodeProto> {
    const found = new Set<NodeProto>();
    for (const node of [...this.graph.node].reverse()) {
      const next = node.output.flatMap((output) => this.consumers.get(output) ?? []);
      if (next.some((consumer) => consumer.opType === "Conv" || found.has(consumer))) found.add(node);
    }
    return found;
  }
}

export function attribute(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((each) => each.name === name);
}

/** Pad with a constant brings in a value of its own. */
export function movesElements(node: NodeProto): boolean {
  if (node.opType === "Reshape") return true;
  const mode = attribute(node, "mode")?.s;
  return node.opType === "Pad" && mode !== undefined && new TextDecoder().decode(mode) !== "constant";
}

export const isActivation = ({ opType }: NodeProto): boolean => opType === "Relu" || opType === "LeakyRelu";

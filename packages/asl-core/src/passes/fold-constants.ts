import { GraphError } from "../errors/errors.js";
import type { AnyNode, Graph, ValueId } from "../graph/graph.js";
import { tensorFault } from "../graph/tensor-json.js";
import { formatType, sameType, sizeOf, type TensorData, type TensorType } from "../types/tensor.js";
import { GraphWriter } from "./graph-writer.js";
import { givesSameBits } from "./same-bits.js";

/** Computes one node on the host, as asl-reference's `evaluateNode` does. `type` is the node's result type. */
export type NodeEvaluator = (node: AnyNode, inputs: readonly TensorData[], type: TensorType) => TensorData;

export interface FoldOptions {
  /** Results with more elements are folded only if the arguments hold as many; 4096 by default. */
  readonly maxElements?: number;
  /**
   * Also folds ops that backends round differently (exp, sums, convolutions ...): the folded graph then has the
   * evaluator's bits in those places instead of the backend's. False by default.
   */
  readonly inexact?: boolean;
}

/**
 * The graph with every node over constants alone replaced by its value. Nodes that nothing reads any more stay for
 * `eliminateDeadCode`. Throws GraphError when the evaluator gives a tensor of another type.
 */
export function foldConstants(
  graph: Graph,
  evaluate: NodeEvaluator,
  { maxElements = 4096, inexact = false }: FoldOptions = {},
): Graph {
  const writer = new GraphWriter(graph);
  for (const node of graph.nodes) {
    const type = graph.types[node.output]!;
    const constants = node.op === "constant" ? undefined : constantsOf(writer, writer.translate(node.inputs));
    if (constants === undefined || !(inexact || givesSameBits(node.op)) || isBloated(type, constants, maxElements)) {
      writer.copy(node);
      continue;
    }
    const value = evaluate(node, constants, type);
    const fault = tensorFault(value) ?? (sameType(value.type, type) ? undefined : `got ${formatType(value.type)}`);
    if (fault !== undefined) {
      throw new GraphError(`foldConstants: ${node.op} (${node.scope}) must evaluate to ${formatType(type)}; ${fault}`);
    }
    writer.replace(node.output, writer.apply("constant", [], { value }, node.scope));
  }
  return writer.finish();
}

function constantsOf(writer: GraphWriter, inputs: readonly ValueId[]): TensorData[] | undefined {
  const constants: TensorData[] = [];
  for (const input of inputs) {
    const producer = writer.producerOf(input);
    if (producer?.op !== "constant") return undefined;
    constants.push(producer.attrs.value);
  }
  return constants;
}

function isBloated(type: TensorType, inputs: readonly TensorData[], maxElements: number): boolean {
  const size = sizeOf(type.shape);
  return size > maxElements && size > inputs.reduce((sum, input) => sum + input.data.length, 0);
}

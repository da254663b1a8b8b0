import { type AnyNode, consumersOf, type Graph, producersOf, type ValueId } from "../graph/graph.js";
import { traitsOf } from "../ops/table.js";
import { BYTES_PER_ELEMENT, sizeOf } from "../types/tensor.js";
import { cutOf } from "./cut.js";
import { recompute } from "./recompute.js";

/** Smaller values are not worth a kernel of their own. */
const LEAST_ELEMENTS = 4096;

/**
 * A graph with the same results, in which elementwise functions of one large value that waits anyway do not wait, too:
 * late readers (the backward pass) get them made again. So of a convolution, its batch norm, activation and gate only the
 * convolution's result is kept, as with In-Place ABN (Rota Bulo et al. 2018) but without inverting anything. Sums of two
 * large values stay: making those again would go from block to block up to the input. Differentiate and optimize first.
 */
export function repeatElementwise(graph: Graph): Graph {
  const cut = cutOf(graph, nodePlan(graph));
  const isLate = (node: AnyNode) => node.output >= (graph.nodes[cut]?.output ?? graph.types.length);
  const consumers = consumersOf(graph);
  const producers = producersOf(graph);
  const elements = (value: ValueId) => sizeOf(graph.types[value]!.shape);

  /** The one value of a result's own size that it is an elementwise function of: itself where there is no other. */
  const origins = new Map<ValueId, ValueId>();
  const originOf = (value: ValueId): ValueId => origins.get(value) ?? value;
  const repeated = new Set<ValueId>();
  for (const { op, inputs, output } of graph.nodes.slice(0, cut)) {
    // what is spread anew is no larger than the vector that it comes from
    if (op === "broadcast") repeated.add(output);
    if (traitsOf(op).elementwise === undefined || elements(output) < LEAST_ELEMENTS) continue;
    const large = new Set(inputs.filter((input) => producers[input]?.op !== "broadcast").map(originOf));
    const [origin, ...others] = large;
    if (origin === undefined || others.length > 0 || !consumers[origin]!.some(isLate)) continue;
    origins.set(output, origin);
    repeated.add(output);
  }
  return recompute({ graph, cut }, repeated).graph;
}

/** Each node a step of its own; what only spreads or renames elements takes no memory. */
function nodePlan(graph: Graph) {
  const bytes = new Map<ValueId, number>();
  for (const { op, output } of graph.nodes) {
    const { dtype, shape } = graph.types[output]!;
    const isFree = op === "constant" || op === "broadcast" || traitsOf(op).view === true;
    bytes.set(output, isFree ? 0 : BYTES_PER_ELEMENT[dtype] * sizeOf(shape));
  }
  return { steps: graph.nodes.map(({ inputs, output }) => ({ reads: inputs, writes: [output] })), bytes };
}

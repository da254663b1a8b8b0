import type { Graph, ValueId } from "../graph/graph.js";
import { traitsOf } from "../ops/table.js";
import { BYTES_PER_ELEMENT, sizeOf } from "../types/tensor.js";

/** How long each value is needed when the nodes run in their order. Nodes are counted from 0. */
export interface Liveness {
  /** The value whose buffer each value lies in: its own, or for a view (reshape, stopGradient) that of its argument. */
  readonly bufferOf: readonly ValueId[];
  /**
   * Per value, the last node that reads its buffer, through views too; the number of nodes when an output does. A value
   * that nothing reads has its own node, an unread input -1.
   */
  readonly lastUse: readonly number[];
  /** Per node, the buffers that can be freed once it has run. Graph inputs and constants are never among them. */
  readonly freedAfter: readonly (readonly ValueId[])[];
  /** Per node, bytes of all buffers in use while it runs, its result included; without inputs and constants. */
  readonly liveBytes: readonly number[];
  /** Largest of `liveBytes`; 0 without nodes. */
  readonly peakBytes: number;
  /** Bytes of all graph inputs and constants, which stay for as long as the program does. */
  readonly residentBytes: number;
}

/** When each value is made and last read, and how much memory that takes at best. Linear in the size of the graph. */
export function liveness(graph: Graph): Liveness {
  const { nodes, types } = graph;
  const bytesOf = (id: ValueId) => BYTES_PER_ELEMENT[types[id]!.dtype] * sizeOf(types[id]!.shape);

  const bufferOf = types.map((_, id) => id as ValueId);
  const isResident = types.map(() => true);
  const bufferLastUse = types.map(() => -1);
  nodes.forEach(({ op, inputs, output }, index) => {
    if (traitsOf(op).view) bufferOf[output] = bufferOf[inputs[0]!]!;
    else isResident[output] = op === "constant";
    for (const id of [...inputs, output]) bufferLastUse[bufferOf[id]!] = index;
  });
  for (const id of Object.values(graph.outputs)) bufferLastUse[bufferOf[id]!] = nodes.length;

  const freedAfter = nodes.map((): ValueId[] => []);
  types.forEach((_, id) => {
    const lastUse = bufferLastUse[id]!;
    if (bufferOf[id] === id && !isResident[id] && lastUse < nodes.length) freedAfter[lastUse]!.push(id as ValueId);
  });

  let live = 0;
  const liveBytes = nodes.map(({ output }, index) => {
    if (bufferOf[output] === output && !isResident[output]) live += bytesOf(output);
    const during = live;
    for (const freed of freedAfter[index]!) live -= bytesOf(freed);
    return during;
  });

  return {
    bufferOf,
    lastUse: bufferOf.map((buffer) => bufferLastUse[buffer]!),
    freedAfter,
    liveBytes,
    peakBytes: liveBytes.reduce((most, bytes) => Math.max(most, bytes), 0),
    residentBytes: types.reduce(
      (sum, _, id) => sum + (isResident[id] && bufferOf[id] === id ? bytesOf(id as ValueId) : 0),
      0,
    ),
  };
}

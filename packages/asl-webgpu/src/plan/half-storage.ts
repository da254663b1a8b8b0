import { type Graph, type Program, traitsOf, type ValueId } from "asl-core";

/** How values between kernels are stored: "f32" as they are, "f16" activations rounded to 16 bits. */
export type Storage = "f32" | "f16";

/**
 * The buffers that hold 16 bits of each element with storage "f16": activations, f32[N, C, H, W], that lie between the
 * kernels of a program which writes no state. An activation follows from a feed; what follows from state and constants
 * alone (weights and running statistics, folded or reordered) stays in 32 bits, and so do feeds, outputs, vectors and
 * matrices, and training, whose gradients 16 bits do not hold without scaling.
 */
export function halfBuffersOf(
  graph: Graph,
  { reads, writes }: Program,
  storage: Storage,
  bufferOf: readonly ValueId[],
): ReadonlySet<ValueId> {
  if (storage === "f32" || Object.keys(writes).length > 0) return new Set();
  const kept = new Set(Object.values(graph.outputs).map((id) => bufferOf[id]!));
  const feeds = Object.entries(graph.inputs).filter(([name]) => !Object.hasOwn(reads, name));
  const followsFromFeed = new Set(feeds.map(([, id]) => id));
  const halves = new Set<ValueId>();
  for (const { inputs, output } of graph.nodes) {
    if (!inputs.some((id) => followsFromFeed.has(id))) continue;
    followsFromFeed.add(output);
    const { dtype, shape } = graph.types[output]!;
    const isActivation = dtype === "f32" && shape.length === 4;
    if (isActivation && bufferOf[output] === output && !kept.has(output)) halves.add(output);
  }
  return halves;
}

/** Views lie in the buffer of their argument. */
export function buffersOf(graph: Graph): ValueId[] {
  const bufferOf = graph.types.map((_, id) => id as ValueId);
  for (const { op, inputs, output } of graph.nodes) {
    if (traitsOf(op).view) bufferOf[output] = bufferOf[inputs[0]!]!;
  }
  return bufferOf;
}

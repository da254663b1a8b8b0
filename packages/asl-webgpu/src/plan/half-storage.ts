import { type Graph, type Program, sizeOf, type ValueId } from "asl-core";
import { BYTES_PER_HALF, BYTES_PER_STORED_ELEMENT } from "../wgsl/storage.js";

/** How values between kernels are stored: "f32" as they are, "f16" activations rounded to 16 bits. */
export type Storage = "f32" | "f16";

/**
 * The buffers that hold 16 bits of each element with storage "f16": activations, f32[N, C, H, W], that lie between the
 * kernels of a program which writes no state. All else stays in 32 bits: weights and inputs, outputs, statistics, and
 * training, whose gradients 16 bits do not hold without scaling.
 */
export function halfBuffersOf(
  graph: Graph,
  { writes }: Program,
  storage: Storage,
  bufferOf: readonly ValueId[],
): ReadonlySet<ValueId> {
  if (storage === "f32" || Object.keys(writes).length > 0) return new Set();
  const kept = new Set(Object.values(graph.outputs).map((id) => bufferOf[id]!));
  const isActivation = (id: ValueId) => graph.types[id]!.dtype === "f32" && graph.types[id]!.shape.length === 4;
  const made = graph.nodes.filter(({ op, output }) => op !== "constant" && bufferOf[output] === output);
  return new Set(made.map(({ output }) => output).filter((id) => isActivation(id) && !kept.has(id)));
}

/** Bytes of a value's elements. */
export const bytesOfValue = (graph: Graph, halves: ReadonlySet<ValueId>, id: ValueId): number =>
  sizeOf(graph.types[id]!.shape) * (halves.has(id) ? BYTES_PER_HALF : BYTES_PER_STORED_ELEMENT);

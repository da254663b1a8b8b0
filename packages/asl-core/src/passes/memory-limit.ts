import type { Graph } from "../graph/graph.js";
import { cutOf } from "./cut.js";
import { dropValues } from "./drop-values.js";
import { flopsOf } from "./flops.js";
import { type Dropped, type ExecutionPlan, MemoryModel } from "./memory-model.js";
import { recompute } from "./recompute.js";

export interface MemoryLimitOptions<P extends ExecutionPlan> {
  /** Most bytes for values between steps. */
  readonly bytes: number;
  /**
   * How the backend would run a graph. Nodes from number `cut` on, where it is given, are late: no step may hold late nodes
   * and others, and equal nodes on its two sides must not be merged.
   */
  plan(graph: Graph, cut?: number): P;
}

export interface LimitedMemory<P extends ExecutionPlan> {
  readonly graph: Graph;
  /** Of `graph`, as the backend runs it; `plannedBytes` above the limit when none that was tried keeps it. */
  readonly plan: P;
  /** Floating-point operations that are done a second time. */
  readonly repeatedFlops: number;
}

/** Choices of one limit that are planned; each aims lower where the one before came out above it, by steps that double. */
const MOST_PLANS = 6;
const FIRST_STEP = 0.01;

/**
 * A graph with the same results, bit by bit, whose values between steps take at most a number of bytes: values that wait
 * long for their readers, as activations wait for the backward pass, are dropped and made again for them. Which ones, see
 * `dropValues`. A graph that keeps the limit stays as it is. Differentiate and optimize first.
 */
export function limitMemory<P extends ExecutionPlan>(
  graph: Graph,
  { bytes, plan }: MemoryLimitOptions<P>,
): LimitedMemory<P> {
  const whole = plan(graph);
  if (whole.plannedBytes <= bytes) return { graph, plan: whole, repeatedFlops: 0 };
  const cut = cutOf(graph, whole);
  const separate = plan(graph, cut);
  const model = new MemoryModel({ graph, cut }, separate);
  const nothing: Dropped = new Set();
  let best = { graph, plan: separate.plannedBytes < whole.plannedBytes ? separate : whole, repeatedFlops: 0 };
  // buffers of unlike sizes share badly: a plan takes a little more than what is alive
  let target = bytes * Math.min(1, Math.max(...model.liveBytes(nothing)) / separate.plannedBytes);
  for (let plans = 0; best.plan.plannedBytes > bytes && plans < MOST_PLANS; plans++) {
    const dropped = dropValues(model, target);
    if (dropped.size === 0) break;
    const changed = recompute({ graph, cut }, model.repeated(dropped));
    const planned = plan(changed.graph, changed.cut);
    if (planned.plannedBytes < best.plan.plannedBytes) {
      best = { graph: changed.graph, plan: planned, repeatedFlops: totalFlops(changed.graph) - totalFlops(graph) };
    }
    target *= Math.min(bytes / planned.plannedBytes, 1 - FIRST_STEP * 2 ** plans);
  }
  return best;
}

const totalFlops = (graph: Graph) => graph.nodes.reduce((sum, node) => sum + flopsOf(node, graph.types), 0);

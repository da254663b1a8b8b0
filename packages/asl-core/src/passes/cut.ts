import type { Graph } from "../graph/graph.js";
import type { ExecutionPlan } from "./memory-model.js";

/** The number of the node before which most bytes wait: made by an earlier step, and not read before a later one. */
export function cutOf(graph: Graph, { steps, bytes }: Pick<ExecutionPlan, "steps" | "bytes">): number {
  const changes = new Float64Array(steps.length + 1);
  const lastUse = new Map<number, number>();
  steps.forEach(({ reads, writes }, step) => {
    for (const id of [...writes, ...reads]) {
      const previous = lastUse.get(id);
      if (previous !== undefined && step > previous + 1) {
        changes[previous + 1]! += bytes.get(id) ?? 0;
        changes[step]! -= bytes.get(id) ?? 0;
      }
      lastUse.set(id, step);
    }
  });
  let [waiting, most, at] = [0, 0, 0];
  changes.forEach((change, step) => {
    waiting += change;
    if (waiting > most) [most, at] = [waiting, step];
  });
  const first = Math.min(...(steps[at]?.writes ?? []));
  const node = graph.nodes.findIndex(({ output }) => output >= first);
  return node === -1 ? graph.nodes.length : node;
}

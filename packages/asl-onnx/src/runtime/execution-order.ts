import type { GraphProto } from "../proto/messages.js";

/**
 * A graph whose nodes that nothing reads come last, the latest of them first. ONNX Runtime goes back from those nodes, the
 * last in the file first, and runs what each needs. In a training step they are the kernels' gradients, written from the
 * network's end to its start: so the gradient of the first kernel, which needs the whole backward pass, would be made first,
 * and everything that the other kernels' gradients are made of would wait for it.
 */
export function gradientsAsTheyCome(graph: GraphProto): GraphProto {
  const read = new Set(graph.node.flatMap(({ input }) => input));
  const isRead = ({ output }: GraphProto["node"][number]) => output.some((name) => read.has(name));
  const ends = graph.node.filter((node) => !isRead(node));
  return { ...graph, node: [...graph.node.filter(isRead), ...ends.reverse()] };
}

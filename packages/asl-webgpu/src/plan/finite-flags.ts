import {
  type AnyNode,
  type AttrsOf,
  definitionOf,
  type Graph,
  type Node,
  type OpName,
  type Program,
  scalar,
  sizeOf,
  type TensorType,
  type ValueId,
} from "asl-core";

/** A program whose written outputs that must be finite have a flag each: 0, or 1 when an element is not finite. */
export interface FlaggedProgram {
  readonly program: Program;
  /** Output that holds the flag, by the output that it is about. */
  readonly flags: ReadonlyMap<string, string>;
}

/**
 * What goes into state need not be read back to be checked: the device computes max [not (|x| < infinity)], and only that
 * is read. Outputs that the caller gets are checked where they arrive.
 */
export function withFiniteFlags(program: Program): FlaggedProgram {
  const { graph, finite, writes } = program;
  const flags = new Map<string, string>();
  const appended = new Appended(graph);
  const outputs: Record<string, ValueId> = { ...graph.outputs };
  for (const name of finite) {
    const id = graph.outputs[name]!;
    const { dtype, shape } = graph.types[id]!;
    if (!Object.hasOwn(writes, name) || dtype !== "f32" || sizeOf(shape) === 0) continue;
    const repeated = (value: number) =>
      appended.apply("broadcast", [appended.apply("constant", [], { value: scalar(value) })], { shape, axes: [] });
    const isSmaller = appended.apply("less", [appended.apply("abs", [id], {}), repeated(Number.POSITIVE_INFINITY)], {});
    const flag = appended.apply("select", [isSmaller, repeated(0), repeated(1)], {});
    const output = `${name} is not finite`;
    outputs[output] = appended.apply("reduceMax", [flag], { axes: shape.map((_, axis) => axis) });
    flags.set(name, output);
  }
  const { nodes, types } = appended;
  return { program: { ...program, graph: { ...graph, nodes, types, outputs } }, flags };
}

/** A graph with more nodes behind its own. */
class Appended {
  readonly nodes: AnyNode[];
  readonly types: TensorType[];

  constructor(graph: Graph) {
    this.nodes = [...graph.nodes];
    this.types = [...graph.types];
  }

  apply<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: AttrsOf<K>): ValueId {
    const output = this.types.length as ValueId;
    const scope = "finite";
    this.types.push(
      definitionOf(op).infer(
        inputs.map((id) => this.types[id]!),
        attrs,
        scope,
      ),
    );
    const node: Node<K> = { op, inputs, output, attrs, scope };
    // Node<K> for a generic K is one member of the union; TypeScript cannot see which.
    this.nodes.push(node as unknown as AnyNode);
    return output;
  }
}

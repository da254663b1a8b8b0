import {
  type AnyNode,
  type Backend,
  checkFeeds,
  type Graph,
  graphToJson,
  type NodeEvaluator,
  type OpName,
  type Program,
  type Session,
  type StateSpec,
  type TensorData,
  type Tensors,
  type TensorType,
} from "asl-core";
import { nodeEvaluator } from "asl-reference";
import { COMPOSITES, type Composite, type CompositeName, compositeGraph } from "../composites.js";

/** A mistake that somebody could make in a backend. */
export interface Mutant {
  readonly name: string;
  /** What is wrong, in one line. */
  readonly mistake: string;
  readonly backend: Backend;
}

/** The right meaning of a node in float32. */
export const right: NodeEvaluator = nodeEvaluator("f32");

/** Evaluates one node wrongly, or leaves it to the reference: undefined. */
export type WrongNode = (node: AnyNode, inputs: readonly TensorData[], type: TensorType) => TensorData | undefined;

/** A float32 reference that evaluates some nodes differently. */
export function wrongNodes(name: string, mistake: string, wrong: () => WrongNode): Mutant {
  return { name, mistake, backend: backendOf(name, (graph, feeds) => interpret(graph, feeds, wrong())) };
}

/** A wrong meaning of one op. */
export function wrongOp<K extends OpName>(
  op: K,
  name: string,
  mistake: string,
  wrong: (
    node: Extract<AnyNode, { readonly op: K }>,
    inputs: readonly TensorData[],
    type: TensorType,
  ) => TensorData | undefined,
): Mutant {
  return wrongNodes(
    `${op}: ${name}`,
    mistake,
    () => (node, inputs, type) =>
      // the name has just been compared; TypeScript does not narrow a union by a generic key
      node.op === op ? wrong(node as Extract<AnyNode, { readonly op: K }>, inputs, type) : undefined,
  );
}

/** Replaces each element of an op's result, seen with the elements of its inputs. */
export function wrongElement(op: OpName, name: string, mistake: string, f: (...inputs: number[]) => number): Mutant {
  return wrongOp(op, name, mistake, (_node, inputs, type) => {
    const size = inputs[0]!.data.length;
    const data =
      type.dtype === "bool"
        ? new Uint8Array(size)
        : type.dtype === "i32"
          ? new Int32Array(size)
          : new Float32Array(size);
    for (let i = 0; i < size; i++) data[i] = f(...inputs.map((input) => input.data[i]!));
    return { type, data };
  });
}

/** A backend that recognises a composite and computes another one in its place. */
export function wrongComposite(of: CompositeName, name: string, mistake: string, body: Composite["body"]): Mutant {
  const original = JSON.stringify(graphToJson(compositeGraph(COMPOSITES[of])));
  const replacement = compositeGraph(COMPOSITES[of], body);
  const replace = (graph: Graph) => (JSON.stringify(graphToJson(graph)) === original ? replacement : graph);
  return {
    name: `${of.split("/")[1]}: ${name}`,
    mistake,
    backend: backendOf(name, (graph, feeds) => interpret(replace(graph), feeds, () => undefined)),
  };
}

function backendOf(name: string, run: (graph: Graph, feeds: Tensors) => Tensors): Backend {
  return {
    name,
    async compile<P extends string>(_state: StateSpec, programs: Readonly<Record<P, Program>>): Promise<Session<P>> {
      return {
        async run(program, feeds) {
          checkFeeds(program, programs[program], feeds);
          return run(programs[program].graph, feeds);
        },
        read: async () => ({}),
        write: async () => undefined,
        [Symbol.asyncDispose]: async () => undefined,
      };
    },
  };
}

function interpret(graph: Graph, feeds: Tensors, wrong: WrongNode): Tensors {
  const values = new Array<TensorData>(graph.types.length);
  for (const [name, id] of Object.entries(graph.inputs)) values[id] = single(feeds[name]!);
  for (const node of graph.nodes) {
    const type = graph.types[node.output]!;
    const inputs = node.inputs.map((id) => values[id]!);
    values[node.output] = single(wrong(node, inputs, type) ?? right(node, inputs, type));
  }
  return Object.fromEntries(
    Object.entries(graph.outputs).map(([name, id]) => [name, { ...values[id]!, data: values[id]!.data.slice() }]),
  );
}

/** As float32. */
const single = (tensor: TensorData): TensorData =>
  tensor.data instanceof Float64Array ? { type: tensor.type, data: Float32Array.from(tensor.data) } : tensor;

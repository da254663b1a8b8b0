import { GraphError } from "../errors/errors.js";
import { definitionOf, OPS } from "../ops/table.js";
import { formatType, sameType, type TensorType } from "../types/tensor.js";
import { checkAttributes } from "./attributes.js";
import { checkArgumentCount } from "./builder.js";
import type { AnyNode, Graph } from "./graph.js";
import { typeFault } from "./tensor-json.js";

/**
 * Checks every rule that a Graph promises: each value is defined once, by an input or by a node that comes before all
 * of its readers; ops, argument counts and attributes are known; and the recorded types are those that the ops infer.
 * Throws GraphError, or ShapeError where an op refuses its arguments; both name the node's number and scope.
 */
export function verify(graph: Graph): void {
  const { types } = graph;
  types.forEach((type, id) => {
    const fault = typeFault(type);
    if (fault !== undefined) throw new GraphError(`value %${id}: ${fault}`);
  });

  const definers = new Array<string | undefined>(types.length).fill(undefined);
  const define = (id: number, definer: string): void => {
    requireId(id, types.length, definer);
    if (definers[id] !== undefined) throw new GraphError(`${definer} defines value %${id}, as ${definers[id]} does`);
    definers[id] = definer;
  };
  for (const [name, id] of Object.entries(graph.inputs)) define(id, `input "${name}"`);

  graph.nodes.forEach((node, index) => {
    const place = placeOf(node, index);
    if (!Object.hasOwn(OPS, node.op)) throw new GraphError(`${place}: no such op`);
    if (typeof node.scope !== "string") throw new GraphError(`${place}: its scope must be a text`);
    for (const input of node.inputs) {
      requireId(input, types.length, place);
      if (definers[input] === undefined) {
        throw new GraphError(`${place} reads value %${input} before any node or input defines it`);
      }
    }
    const inferred = inferType(node, types, index);
    define(node.output, place);
    if (!sameType(inferred, types[node.output]!)) {
      throw new GraphError(
        `${place}: value %${node.output} is recorded as ${formatType(types[node.output]!)}; its inputs give ${formatType(inferred)}`,
      );
    }
  });

  const orphan = definers.indexOf(undefined);
  if (orphan !== -1) throw new GraphError(`value %${orphan} is defined by no input and no node`);
  for (const [name, id] of Object.entries(graph.outputs)) requireId(id, types.length, `output "${name}"`);
}

function inferType(node: AnyNode, types: readonly TensorType[], index: number): TensorType {
  checkAttributes(node.op, node.attrs, placeOf(node, index));
  const definition = definitionOf(node.op);
  const scope = `node ${index}${node.scope === "" ? "" : `, ${node.scope}`}`;
  checkArgumentCount(node.op, definition.arguments, node.inputs.length, scope);
  // A lookup by a union of op names cannot pair the definition with its attributes; checkAttributes did.
  return definition.infer(
    node.inputs.map((id) => types[id]!),
    node.attrs as never,
    scope,
  );
}

function requireId(id: unknown, count: number, place: string): void {
  if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= count) {
    throw new GraphError(`${place}: value %${id} is outside the ${count} values of the graph`);
  }
}

/** `node 12 (conv2d, layer1.0.conv1)`. */
function placeOf(node: AnyNode, index: number): string {
  return `node ${index} (${node.op}${node.scope ? `, ${node.scope}` : ""})`;
}

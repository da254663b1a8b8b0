import { GraphError } from "../errors/errors.js";
import { OPS, type OpName } from "../ops/table.js";
import type { TensorType } from "../types/tensor.js";
import { type AttributeJson, attributesFromJson, attributesToJson } from "./attributes.js";
import { excerpt } from "./excerpt.js";
import type { AnyNode, Graph, Node, ValueId } from "./graph.js";
import { type TensorTypeJson, typeFault } from "./tensor-json.js";
import { verify } from "./verify.js";

/** Raised when a change makes older files unreadable. */
const VERSION = 1;

export interface NodeJson {
  readonly op: OpName;
  readonly inputs: readonly number[];
  readonly output: number;
  readonly attrs: Readonly<Record<string, AttributeJson>>;
  readonly scope: string;
}

/** A Graph as plain JSON. Constants keep every bit; see TensorJson. */
export interface GraphJson {
  readonly format: "asl-graph";
  readonly version: typeof VERSION;
  readonly inputs: Readonly<Record<string, number>>;
  readonly outputs: Readonly<Record<string, number>>;
  readonly nodes: readonly NodeJson[];
  readonly types: readonly TensorTypeJson[];
}

/** The graph as a value for JSON.stringify; `graphFromJson` gives the same graph back, bit for bit. */
export function graphToJson(graph: Graph): GraphJson {
  return {
    format: "asl-graph",
    version: VERSION,
    inputs: { ...graph.inputs },
    outputs: { ...graph.outputs },
    nodes: graph.nodes.map(({ op, inputs, output, attrs, scope }) => ({
      op,
      inputs: [...inputs],
      output,
      attrs: attributesToJson(op, attrs),
      scope,
    })),
    types: graph.types.map(({ dtype, shape }) => ({ dtype, shape: [...shape] })),
  };
}

/**
 * The graph of a parsed JSON value from anywhere. Throws GraphError, naming the place, for what is not a graph of this
 * version, and whatever `verify` throws for a graph that breaks a rule.
 */
export function graphFromJson(json: unknown): Graph {
  const { format, version, inputs, outputs, nodes, types } = asRecord(json, "the graph");
  if (format !== "asl-graph") {
    throw new GraphError(`not a graph: format must be "asl-graph"; got ${excerpt(format)}`);
  }
  if (version !== VERSION) {
    throw new GraphError(`graph of version ${excerpt(version)}; this release reads version ${VERSION}`);
  }
  const graph: Graph = {
    inputs: idsFromJson(inputs, "inputs"),
    outputs: idsFromJson(outputs, "outputs"),
    types: asList(types, "types").map(typeFromJson),
    nodes: asList(nodes, "nodes").map(nodeFromJson),
  };
  verify(graph);
  return graph;
}

function nodeFromJson(json: unknown, index: number): AnyNode {
  const record = asRecord(json, `node ${index}`);
  const { op, scope } = record;
  if (typeof op !== "string" || !Object.hasOwn(OPS, op)) {
    throw new GraphError(
      `node ${index}: no op is called ${excerpt(op)}; this release knows ${Object.keys(OPS).join(", ")}`,
    );
  }
  if (typeof scope !== "string") throw new GraphError(`node ${index} (${op}): scope must be a text`);
  const place = `node ${index} (${op}${scope ? `, ${scope}` : ""})`;
  const node: Node = {
    op: op as OpName,
    inputs: asList(record.inputs, `${place}: inputs`).map((id) => idFromJson(id, place)),
    output: idFromJson(record.output, `${place}: output`),
    attrs: attributesFromJson(op as OpName, record.attrs, place),
    scope,
  };
  // attributesFromJson checks the attributes against the op's own table.
  return node as AnyNode;
}

function typeFromJson(json: unknown, id: number): TensorType {
  const fault = typeFault(json);
  if (fault !== undefined) throw new GraphError(`type of value %${id}: ${fault}`);
  const { dtype, shape } = json as TensorTypeJson;
  return { dtype, shape: [...shape] };
}

function idsFromJson(json: unknown, place: string): Record<string, ValueId> {
  const entries = Object.entries(asRecord(json, place));
  return Object.fromEntries(entries.map(([name, id]) => [name, idFromJson(id, `${place} "${name}"`)]));
}

/** Any whole number: `verify` asks whether it is a value of the graph. */
function idFromJson(json: unknown, place: string): ValueId {
  if (!Number.isSafeInteger(json)) throw new GraphError(`${place}: ${excerpt(json)} is not a value's number`);
  return json as ValueId;
}

function asRecord(json: unknown, place: string): Readonly<Record<string, unknown>> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new GraphError(`${place} must be a JSON object; got ${excerpt(json)}`);
  }
  return json as Readonly<Record<string, unknown>>;
}

function asList(json: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(json)) {
    throw new GraphError(`${place} must be a list; got ${excerpt(json)}`);
  }
  return json;
}

import {
  type AnyNode,
  allocate,
  definitionOf,
  type Graph,
  GraphError,
  sizeOf,
  type Tensors,
  type ValueId,
} from "asl-core";
import type { GraphProto, ValueInfoProto } from "../proto/messages.js";
import type { Extent, Operand } from "./extent.js";
import type { FusionRule } from "./fusion.js";
import { type Extents, Lowering } from "./lowering.js";
import type { Quirks } from "./quirks.js";
import { schedule } from "./schedule.js";
import { lowerNode } from "./table.js";
import { ELEMENT_TYPE, OnnxWriter } from "./writer.js";

export interface LowerOptions {
  readonly name: string;
  /** Extents of each value; those of `graph.types` unless some are symbolic. */
  readonly extents?: Extents;
  /** Values of graph inputs that become initializers under their own names. */
  readonly initializers?: Tensors;
  /** Groups of nodes with an ONNX form of their own; the first rule that fits is taken. */
  readonly fusions: readonly FusionRule[];
  /** Of the runtime that the model is for; default: none. */
  readonly quirks?: Quirks;
  /** Outputs of which only the elements and their order matter: a reshape at their end is left out. */
  readonly flat?: ReadonlySet<string>;
}

export interface LoweredGraph {
  readonly proto: GraphProto;
  /** Graph inputs that are inputs of the ONNX graph: those that some output depends on, initializers left out. */
  readonly inputs: readonly string[];
  /** ONNX name of each graph output: its own, or `NAME/out` where an input has that name. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Extents of each output tensor; other than the graph's for `flat` outputs. */
  readonly extents: Readonly<Record<string, readonly Extent[]>>;
}

/** A graph as an ONNX GraphProto; only what the outputs depend on is written. */
export function lowerGraph(graph: Graph, options: LowerOptions): LoweredGraph {
  const extents = options.extents ?? ((value: ValueId): readonly Extent[] => graph.types[value]!.shape);
  const outputNames = nameOutputs(graph);
  const writer = new OnnxWriter([...Object.keys(graph.inputs), ...Object.values(outputNames)]);
  const lowering = new Lowering(graph, writer, extents, options.quirks);
  const { steps, needed } = schedule(
    graph,
    options.quirks?.refusesEmpty ? options.fusions.map(withElements) : options.fusions,
  );

  const inputs: string[] = [];
  const inputInfo: ValueInfoProto[] = [];
  for (const [name, id] of Object.entries(graph.inputs)) {
    lowering.set(id, { name, extents: extents(id) });
    const value = options.initializers?.[name];
    if (!needed.has(id)) continue;
    if (value !== undefined) {
      writer.initializer(name, value.type.dtype, value.type.shape, value.data);
      continue;
    }
    inputs.push(name);
    inputInfo.push(valueInfo(name, graph, id, extents(id)));
  }
  for (const { node, fusion } of steps) {
    lowering.define(node, () => {
      if (fusion !== undefined) return fusion.lower(lowering);
      return emptyResult(node, lowering) ?? lowerNode(node, lowering);
    });
  }
  const written: Record<string, readonly Extent[]> = {};
  const outputInfo = Object.entries(graph.outputs).map(([name, id]) => {
    const whole = { name: lowering.full(id), extents: extents(id) };
    const operand = options.flat?.has(name) ? lowering.beforeReshapes(whole) : whole;
    const target = outputNames[name]!;
    writer.output(operand.name, target);
    written[name] = operand.extents;
    return valueInfo(target, graph, id, operand.extents);
  });
  return {
    proto: {
      name: options.name,
      node: writer.finish(),
      initializer: writer.initializers,
      input: inputInfo,
      output: outputInfo,
    },
    inputs,
    outputs: outputNames,
    extents: written,
  };
}

/** Lets a rule alone where an argument has no elements. */
const withElements =
  (rule: FusionRule): FusionRule =>
  (node, view) => {
    const fusion = rule(node, view);
    return fusion?.inputs.some((input) => view.type(input).shape.includes(0)) ? undefined : fusion;
  };

/** Results without elements, and sums of nothing, where kernels refuse them. */
function emptyResult({ op, inputs, output }: AnyNode, lowering: Lowering): Operand | undefined {
  if (!lowering.quirks.refusesEmpty) return undefined;
  const isEmpty = (value: ValueId) => lowering.extents(value).includes(0);
  const sums = definitionOf(op).accuracy.kind === "sum";
  if (!isEmpty(output) && !(sums && inputs.some(isEmpty))) return undefined;
  const { dtype } = lowering.graph.types[output]!;
  const shape = lowering.shape(output);
  return lowering.constant({ type: { dtype, shape }, data: allocate(dtype, sizeOf(shape)) }, "empty");
}

function nameOutputs(graph: Graph): Record<string, string> {
  const names: Record<string, string> = {};
  const taken = new Set(Object.keys(graph.inputs));
  for (const name of Object.keys(graph.outputs)) {
    const unique = taken.has(name) ? `${name}/out` : name;
    if (taken.has(unique)) throw new GraphError(`output "${name}" cannot be named: "${unique}" is taken`);
    taken.add(unique);
    names[name] = unique;
  }
  return names;
}

function valueInfo(name: string, graph: Graph, id: ValueId, extents: readonly Extent[]): ValueInfoProto {
  const dim = extents.map((extent) => (typeof extent === "number" ? { dimValue: extent } : { dimParam: extent }));
  return { name, type: { tensorType: { elemType: ELEMENT_TYPE[graph.types[id]!.dtype], shape: { dim } } } };
}

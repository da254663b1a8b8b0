import type { Graph } from "asl-core";
import { STANDARD_FUSIONS } from "./fusions/standard.js";
import type { FusionRule } from "./lower/fusion.js";
import { type LoweredGraph, type LowerOptions, lowerGraph } from "./lower/graph.js";
import type { GraphProto, ModelProto } from "./proto/messages.js";

/** Operator set and file version of every model: the newest that onnx 1.12 knows. */
export const OPSET = 17;
export const IR_VERSION = 8;

export interface OnnxModelOptions extends Partial<LowerOptions> {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly producerName?: string;
  readonly producerVersion?: string;
}

export interface OnnxModel extends Omit<LoweredGraph, "proto"> {
  readonly model: ModelProto;
}

/** A graph as an ONNX model (opset 17). `encodeModel` makes the bytes of a file. */
export function toOnnxModel(graph: Graph, options: OnnxModelOptions = {}): OnnxModel {
  const fusions: readonly FusionRule[] = options.fusions ?? STANDARD_FUSIONS;
  const { proto, ...ends } = lowerGraph(graph, { ...options, name: options.name ?? "graph", fusions });
  const metadataProps = Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value }));
  const model: ModelProto = {
    irVersion: IR_VERSION,
    producerName: options.producerName ?? "asl-onnx",
    ...(options.producerVersion === undefined ? {} : { producerVersion: options.producerVersion }),
    graph: proto,
    opsetImport: [{ domain: "", version: OPSET }, ...domainsOf(proto).map((domain) => ({ domain, version: 1 }))],
    metadataProps,
  };
  return { model, ...ends };
}

/** Operator domains beside ONNX's own. */
const domainsOf = ({ node }: GraphProto) => [...new Set(node.flatMap(({ domain }) => (domain ? [domain] : [])))];

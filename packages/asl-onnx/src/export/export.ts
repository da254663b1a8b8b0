import { formatType, type Graph, InputError, sameType, type Tensors } from "asl-core";
import { toOnnxModel } from "../model.js";
import { encodeModel } from "../proto/encode.js";
import type { ModelProto } from "../proto/messages.js";
import { inferenceFusions } from "./folding.js";
import { symbolicBatch } from "./symbolic-batch.js";

export interface ExportOptions {
  /** The inference graph for a batch size. */
  readonly graph: (batch: number) => Graph;
  /** Values of graph inputs that become initializers, by input name; all other inputs stay inputs. */
  readonly state: Tensors;
  /** `state` is not used any more: kernels may be scaled where they are, which saves a copy of nearly all weights. */
  readonly overwriteState?: boolean;
  /**
   * With `overwriteState`: takes the scaling of each such kernel, instead of having it done at once. Until it is called,
   * the numbers of the kernel do not matter.
   */
  readonly onScaling?: (scale: () => void) => void;
  /** A fixed batch size, or `dynamic` for the symbolic extent "batch". */
  readonly batch: "dynamic" | number;
  /** Becomes the model's metadata_props. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Name of the graph. Default "model". */
  readonly name?: string;
  readonly producerName?: string;
  readonly producerVersion?: string;
}

/**
 * The bytes of an `.onnx` file (opset 17, IR version 8) for inference. What depends on state alone is computed now;
 * batch norm on running statistics disappears into the convolutions.
 * Throws InputError for state that does not fit, GraphError for a graph that cannot have a dynamic batch.
 */
export function exportOnnx(options: ExportOptions): Uint8Array {
  return encodeModel(exportModel(options));
}

/** The same as a message. It shares the memory of weights that are not folded with `state`. */
export function exportModel(options: ExportOptions): ModelProto {
  const { state, batch, overwriteState = false, onScaling = (scale) => scale() } = options;
  if (batch !== "dynamic" && !(Number.isInteger(batch) && batch >= 1)) {
    throw new InputError(`export: batch must be "dynamic" or a whole number >= 1; got ${batch}`);
  }
  const { graph, ...symbolic } = batch === "dynamic" ? symbolicBatch(options.graph) : { graph: options.graph(batch) };
  checkState(graph, state);
  const { model } = toOnnxModel(graph, {
    ...symbolic,
    name: options.name ?? "model",
    initializers: state,
    fusions: inferenceFusions(graph, state, overwriteState ? onScaling : undefined),
    metadata: options.metadata ?? {},
    ...(options.producerName === undefined ? {} : { producerName: options.producerName }),
    ...(options.producerVersion === undefined ? {} : { producerVersion: options.producerVersion }),
  });
  return model;
}

function checkState(graph: Graph, state: Tensors): void {
  for (const [name, tensor] of Object.entries(state)) {
    const id = graph.inputs[name];
    if (id === undefined) throw new InputError(`export: state "${name}" is not an input of the graph`);
    const type = graph.types[id]!;
    if (!sameType(type, tensor.type)) {
      throw new InputError(`export: state "${name}" must be ${formatType(type)}; got ${formatType(tensor.type)}`);
    }
  }
}

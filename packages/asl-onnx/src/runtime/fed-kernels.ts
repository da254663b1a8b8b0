import type { Tensor } from "onnxruntime-common";
import { DATA_TYPE, type ModelProto, type TensorProto, type ValueInfoProto } from "../proto/messages.js";
import { floatsOf } from "../proto/tensors.js";
import type { OnnxRuntime } from "./tensors.js";

export interface FedModel {
  /** The model with its kernels as inputs. */
  readonly model: ModelProto;
  /** These inputs, by name, over the memory of the initializers that they were. */
  readonly kernels: Readonly<Record<string, Tensor>>;
}

/**
 * ONNX Runtime copies initializers twice when it loads a model, and inputs never: a model whose convolution kernels are
 * inputs loads in a fraction of the time and holds nothing beside the caller's arrays. Convolutions compute from them as
 * they are, so that the bits are the same wherever kernels are not rearranged (below the optimisation level "all").
 */
export function feedKernels(runtime: OnnxRuntime, model: ModelProto): FedModel {
  const { node, initializer, input } = model.graph;
  const names = new Set(node.flatMap(({ opType, input: [, kernel] }) => (opType === "Conv" && kernel ? [kernel] : [])));
  const isFed = ({ name, dataType }: TensorProto) => names.has(name) && dataType === DATA_TYPE.float;
  const fed = initializer.filter(isFed);
  const rest = initializer.filter((tensor) => !isFed(tensor));
  return {
    model: { ...model, graph: { ...model.graph, initializer: rest, input: [...input, ...fed.map(valueInfo)] } },
    kernels: Object.fromEntries(
      fed.map((tensor) => [tensor.name, new runtime.Tensor("float32", viewOf(tensor), tensor.dims)]),
    ),
  };
}

const valueInfo = ({ name, dataType, dims }: TensorProto): ValueInfoProto => ({
  name,
  type: { tensorType: { elemType: dataType, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } },
});

/** Without a copy, unless the bytes lie where no float can, as in a file. */
function viewOf(tensor: TensorProto): Float32Array {
  const { buffer, byteOffset, byteLength } = tensor.rawData;
  const { BYTES_PER_ELEMENT } = Float32Array;
  if (byteOffset % BYTES_PER_ELEMENT !== 0) return floatsOf(tensor);
  return new Float32Array(buffer, byteOffset, byteLength / BYTES_PER_ELEMENT);
}

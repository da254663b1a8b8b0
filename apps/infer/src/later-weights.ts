import { type Shape, sizeOf, type TensorData, type Tensors } from "asl-core";
import type { ModelProto } from "asl-onnx";

/** Elements from which on it pays to make a network ready while a kernel is still being read. */
const LARGE = 2 ** 18;

/** Kernels of convolutions, by their shapes: nothing has to be computed with their numbers to make a network ready. */
export const isLarge = (shape: Shape): boolean => shape.length === 4 && sizeOf(shape) >= LARGE;

/**
 * Whether a model has every large tensor of the state as the kernel of a convolution, in the memory that it is read into:
 * whatever else was made of one was made of numbers that were not there yet.
 */
export function areKernels({ graph: { node, initializer } }: ModelProto, state: Tensors): boolean {
  const names = new Set(node.flatMap(({ opType, input }) => (opType === "Conv" ? [input[1]] : [])));
  const kernels = initializer.filter(({ name }) => names.has(name)).map(({ rawData }) => rawData);
  const isKernel = ({ buffer, byteOffset, byteLength }: TensorData["data"]) =>
    kernels.some((raw) => raw.buffer === buffer && raw.byteOffset === byteOffset && raw.byteLength === byteLength);
  return Object.values(state).every(({ type, data }) => !isLarge(type.shape) || isKernel(data));
}

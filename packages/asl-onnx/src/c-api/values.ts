import { Tensor } from "onnxruntime-node";
import type { CallScope } from "./call-scope.js";
import { ELEMENT_TYPES, type ElementType, elementTypeOf } from "./element-types.js";
import type { Library } from "./library.js";
import { outInt, outPointer, outSize } from "./out-parameters.js";

/** An `OrtValue` over the memory of a tensor, until the scope closes. Throws TypeError for what is no plain memory. */
export function valueOver(library: Library, scope: CallScope, what: string, tensor: Tensor): bigint {
  const { code, array } = elementOf(what, tensor.type);
  const { data, dims } = tensor;
  const elements = dims.reduce((product, extent) => product * extent, 1);
  const fits =
    ArrayBuffer.isView(data) &&
    data.byteLength === elements * array.BYTES_PER_ELEMENT &&
    dims.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
  if (!fits) {
    const found = ArrayBuffer.isView(data) ? `${data.byteLength} bytes` : typeof data;
    const expected = `${elements * array.BYTES_PER_ELEMENT} bytes`;
    throw new TypeError(`${what}: ${tensor.type}[${dims.join(",")}] has ${expected}; its data are ${found}`);
  }
  const { memoryInfo, functions } = library;
  const address = scope.address(data);
  const shape = BigInt64Array.from(dims, BigInt);
  const value = outPointer((out) =>
    functions.CreateTensorWithDataAsOrtValue(memoryInfo, address, data.byteLength, shape, dims.length, code, out),
  );
  scope.onClose(() => functions.ReleaseValue(value));
  return value;
}

/** A copy of what a value holds. Throws TypeError for what is no tensor of plain memory. */
export function tensorOf(library: Library, what: string, value: bigint): Tensor {
  const { functions } = library;
  if (outInt((out) => functions.IsTensor(value, out)) === 0)
    throw new TypeError(`${what}: expected a tensor; it is a sequence, a map or another value`);
  const { code, dims } = typeAndShape(library, value);
  const type = elementTypeOf(code);
  if (type === undefined) throw new TypeError(`${what}: tensors of element type ${code} are not read`);
  const { array: TypedArray } = elementOf(what, type);
  const bytes = dims.reduce((product, extent) => product * extent, TypedArray.BYTES_PER_ELEMENT);
  const memory = bytes === 0 ? new ArrayBuffer(0) : copyOf(library, value, bytes);
  return new Tensor(type as "float32", new TypedArray(memory) as Float32Array, dims);
}

function copyOf({ functions, view }: Library, value: bigint, bytes: number): ArrayBuffer {
  const address = outPointer((out) => functions.GetTensorMutableData(value, out));
  return view(address, bytes).slice(0);
}

function typeAndShape({ functions }: Library, value: bigint): { readonly code: number; readonly dims: number[] } {
  const info = outPointer((out) => functions.GetTensorTypeAndShape(value, out));
  try {
    const code = outInt((out) => functions.GetTensorElementType(info, out));
    const dims = new BigInt64Array(outSize((out) => functions.GetDimensionsCount(info, out)));
    if (dims.length > 0) functions.GetDimensions(info, dims, dims.length);
    return { code, dims: Array.from(dims, Number) };
  } finally {
    functions.ReleaseTensorTypeAndShapeInfo(info);
  }
}

function elementOf(what: string, type: Tensor.Type): ElementType {
  const element = ELEMENT_TYPES[type];
  if (element === null) throw new TypeError(`${what}: tensors of ${type} are not supported`);
  return element;
}

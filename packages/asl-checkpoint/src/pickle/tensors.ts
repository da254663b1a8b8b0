import type { ElementType } from "../elements.js";
import { PickleFormatError } from "./format-error.js";
import {
  describe,
  isPythonName,
  isStorage,
  isTensor,
  type PickleValue,
  type StorageReference,
  type TensorReference,
} from "./values.js";

/** PyTorch's storage classes and the numbers they hold. */
export const STORAGE_TYPES: Readonly<Record<string, ElementType | null>> = {
  "torch.DoubleStorage": "F64",
  "torch.FloatStorage": "F32",
  "torch.HalfStorage": "F16",
  "torch.BFloat16Storage": "BF16",
  "torch.LongStorage": "I64",
  "torch.IntStorage": "I32",
  "torch.ShortStorage": "I16",
  "torch.CharStorage": "I8",
  "torch.ByteStorage": "U8",
  "torch.BoolStorage": "BOOL",
  "torch.storage.UntypedStorage": null,
};

/** PyTorch's dtypes: those with an element type can be read as tensors. */
export const TORCH_DTYPES: Readonly<Record<string, ElementType>> = {
  "torch.float64": "F64",
  "torch.float32": "F32",
  "torch.float16": "F16",
  "torch.bfloat16": "BF16",
  "torch.int64": "I64",
  "torch.int32": "I32",
  "torch.int16": "I16",
  "torch.int8": "I8",
  "torch.uint64": "U64",
  "torch.uint32": "U32",
  "torch.uint16": "U16",
  "torch.uint8": "U8",
  "torch.bool": "BOOL",
};

/** PyTorch itself stops at 64 dimensions. */
const MAX_RANK = 64;

/**
 * The persistent id of a storage: ("storage", class, key, location, size[, view]), where a legacy view is
 * (key, offset, size) within that storage.
 */
export function storageFromId(id: PickleValue): StorageReference {
  if (!Array.isArray(id)) throw new PickleFormatError(`a persistent id is a tuple; found ${describe(id)}`);
  const [tag, storageType, key, , size, view] = id;
  if (tag !== "storage") throw new PickleFormatError(`a persistent id names a storage; found ${describe(tag)}`);
  const typeName = isPythonName(storageType) ? storageType.name : describe(storageType);
  const elementType = STORAGE_TYPES[typeName];
  if (elementType === undefined) throw new PickleFormatError(`${typeName} is not a storage class`);
  if (typeof key !== "string") throw new PickleFormatError(`the key of a storage is a str; found ${describe(key)}`);
  const rootSize = natural(size, "the size of a storage");
  if (view === undefined || view === null) {
    return { kind: "storage", key, elementType, size: rootSize, start: 0, rootSize };
  }
  if (!Array.isArray(view)) throw new PickleFormatError(`a storage view is a tuple; found ${describe(view)}`);
  const start = natural(view[1], "the offset of a storage view");
  const viewSize = natural(view[2], "the size of a storage view");
  if (start + viewSize > rootSize) {
    throw new PickleFormatError(`a view of ${viewSize} elements from ${start} on leaves its storage of ${rootSize}`);
  }
  return { kind: "storage", key, elementType, size: viewSize, start, rootSize };
}

/** `_rebuild_tensor(storage, offset, size, stride)`, also the beginning of `_rebuild_tensor_v2` and `_v3`. */
export function rebuildTensor(args: readonly PickleValue[], dtype?: PickleValue): TensorReference {
  const [storage, offsetValue, shapeValue, stridesValue] = args;
  if (!isStorage(storage)) throw new PickleFormatError(`a tensor is built on a storage; found ${describe(storage)}`);
  const elementType = elementTypeOf(storage, dtype);
  const offset = natural(offsetValue, "the offset of a tensor");
  const shape = naturals(shapeValue, "the shape of a tensor");
  const strides = naturals(stridesValue, "the strides of a tensor");
  if (shape.length !== strides.length || shape.length > MAX_RANK) {
    throw new PickleFormatError(`shape [${shape.join(",")}] and strides [${strides.join(",")}] do not fit`);
  }
  const size = shape.reduce((product, extent) => product * extent, 1);
  if (!Number.isSafeInteger(size)) throw new PickleFormatError(`shape [${shape.join(",")}] has too many elements`);
  const last = offset + shape.reduce((sum, extent, axis) => sum + (extent - 1) * strides[axis]!, 0);
  if (size > 0 && storage.elementType !== null && last >= storage.size) {
    throw new PickleFormatError(
      `a tensor with shape [${shape.join(",")}], strides [${strides.join(",")}] and offset ${offset} ` +
        `leaves its storage "${storage.key}" of ${storage.size} elements`,
    );
  }
  return { kind: "tensor", storage, elementType, offset, shape, strides };
}

/** `_rebuild_parameter(tensor, requires_grad, hooks[, state])`: a parameter is its tensor. */
export function rebuildParameter(args: readonly PickleValue[]): TensorReference {
  const tensor = args[0];
  if (!isTensor(tensor)) throw new PickleFormatError(`a parameter holds a tensor; found ${describe(tensor)}`);
  return tensor;
}

function elementTypeOf(storage: StorageReference, dtype: PickleValue | undefined): ElementType {
  if (dtype !== undefined) {
    const elementType = isPythonName(dtype) ? TORCH_DTYPES[dtype.name] : undefined;
    if (elementType === undefined) throw new PickleFormatError(`${describe(dtype)} is not a dtype that is supported`);
    return elementType;
  }
  if (storage.elementType === null) throw new PickleFormatError("a tensor on untyped storage has no dtype");
  return storage.elementType;
}

function natural(value: PickleValue | undefined, what: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new PickleFormatError(`${what} is a whole number from 0 on; found ${describe(value)}`);
}

function naturals(value: PickleValue | undefined, what: string): number[] {
  if (!Array.isArray(value)) throw new PickleFormatError(`${what} is a tuple; found ${describe(value)}`);
  return value.map((item) => natural(item, what));
}

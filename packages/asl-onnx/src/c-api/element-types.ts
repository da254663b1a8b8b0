import type { Tensor } from "onnxruntime-common";

type ArrayConstructor = (new (buffer: ArrayBuffer) => ArrayBufferView) & { readonly BYTES_PER_ELEMENT: number };

export interface ElementType {
  /** `ONNXTensorElementDataType` of onnxruntime_c_api.h. */
  readonly code: number;
  /** float16: bits, as onnxruntime-common takes them too. */
  readonly array: ArrayConstructor;
}

/** Types of tensors that are plain memory, one element after another; null: those that are not. */
export const ELEMENT_TYPES: Readonly<Record<Tensor.Type, ElementType | null>> = {
  float32: { code: 1, array: Float32Array },
  uint8: { code: 2, array: Uint8Array },
  int8: { code: 3, array: Int8Array },
  uint16: { code: 4, array: Uint16Array },
  int16: { code: 5, array: Int16Array },
  int32: { code: 6, array: Int32Array },
  int64: { code: 7, array: BigInt64Array },
  string: null,
  bool: { code: 9, array: Uint8Array },
  float16: { code: 10, array: Uint16Array },
  float64: { code: 11, array: Float64Array },
  uint32: { code: 12, array: Uint32Array },
  uint64: { code: 13, array: BigUint64Array },
  uint4: null,
  int4: null,
};

const BY_CODE: ReadonlyMap<number, Tensor.Type> = new Map(
  (Object.keys(ELEMENT_TYPES) as Tensor.Type[]).flatMap((type) => {
    const element = ELEMENT_TYPES[type];
    return element === null ? [] : [[element.code, type] as const];
  }),
);

export const elementTypeOf = (code: number): Tensor.Type | undefined => BY_CODE.get(code);

/** Element types. `f32` is "real": an interpreter may hold it in float64, a device in float32. */
export type DType = "f32" | "i32" | "bool";

export type Shape = readonly number[];

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/**
 * A tensor on the host, row-major.
 * `f32` is held in a Float32Array (or a Float64Array where an interpreter computes in float64),
 * `i32` in an Int32Array, `bool` in a Uint8Array of 0 and 1.
 */
export interface TensorData {
  readonly type: TensorType;
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array;
}

/** Tensors by name: a model's state, a program's feeds or results. */
export type Tensors = Readonly<Record<string, TensorData>>;

/** Number of elements of a shape; 1 for a scalar `[]`. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((size, extent) => size * extent, 1);
}

/** Row-major strides in elements: `[C*H*W, H*W, W, 1]` for `[N, C, H, W]`. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

export function sameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

/** `f32[8,48,56,56]`, as errors and the printer show it. */
export function formatType(type: TensorType): string {
  return `${type.dtype}[${type.shape.join(",")}]`;
}

/** `[8,48,56,56]`. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(",")}]`;
}

/** Bytes of one element on a device. */
export const BYTES_PER_ELEMENT: Readonly<Record<DType, number>> = { f32: 4, i32: 4, bool: 1 };

/** A zero-filled array of the host representation of `dtype`. */
export function allocate(dtype: DType, size: number): Float32Array | Int32Array | Uint8Array {
  switch (dtype) {
    case "f32":
      return new Float32Array(size);
    case "i32":
      return new Int32Array(size);
    case "bool":
      return new Uint8Array(size);
  }
}

/** An `f32` tensor from numbers or an existing array (not copied when it is a Float32Array or Float64Array). */
export function f32(shape: Shape, data: ArrayLike<number>): TensorData {
  const array = data instanceof Float32Array || data instanceof Float64Array ? data : Float32Array.from(data);
  return checked({ dtype: "f32", shape }, array);
}

/** An `i32` tensor. */
export function i32(shape: Shape, data: ArrayLike<number>): TensorData {
  return checked({ dtype: "i32", shape }, data instanceof Int32Array ? data : Int32Array.from(data));
}

/** A scalar `f32` tensor, shape `[]`; held in float64 so that a float64 interpreter sees the number as written. */
export function scalar(value: number): TensorData {
  return f32([], Float64Array.of(value));
}

function checked(type: TensorType, data: TensorData["data"]): TensorData {
  if (data.length !== sizeOf(type.shape)) {
    throw new RangeError(`tensor ${formatType(type)} needs ${sizeOf(type.shape)} elements; got ${data.length}`);
  }
  return { type, data };
}

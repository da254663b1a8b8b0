import { InputError, type TensorData, type Tensors, type TensorType } from "asl-core";

/**
 * A message and its tensors as one array of bytes:
 * - u32, little-endian: bytes of the header
 * - header: JSON, `{ body, tensors: { name: { dtype, shape, storage } } }`
 * - the elements of each tensor as they lie in memory (little-endian on every machine of today), each from a multiple of 8
 *
 * Elements are copied as bytes, never as numbers: the payload of a NaN, -0 and denormals stay what they are.
 */
export function encodeFrame(body: unknown, tensors: Tensors = {}): Uint8Array {
  const placed = Object.fromEntries(
    Object.entries(tensors).map(([name, { type, data }]): [string, PlacedType] => [
      name,
      { dtype: type.dtype, shape: type.shape, storage: storageOf(data) },
    ]),
  );
  const header = new TextEncoder().encode(JSON.stringify({ body, tensors: placed } satisfies Header));
  const start = aligned(LENGTH_BYTES + header.length);
  const arrays = Object.values(tensors).map(({ data }) => data);
  const frame = new Uint8Array(arrays.reduce((end, { byteLength }) => aligned(end + byteLength), start));
  new DataView(frame.buffer).setUint32(0, header.length, true);
  frame.set(header, LENGTH_BYTES);
  let offset = start;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    frame.set(new Uint8Array(buffer, byteOffset, byteLength), offset);
    offset = aligned(offset + byteLength);
  }
  return frame;
}

/** The message and its tensors, in arrays of their own. Throws InputError for bytes that are not a whole frame. */
export function decodeFrame(frame: Uint8Array): { readonly body: unknown; readonly tensors: Tensors } {
  const refuse = (what: string) => new InputError(`a message of ${frame.length} bytes ${what}`);
  if (frame.length < LENGTH_BYTES) throw refuse("is too short for a header");
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const length = view.getUint32(0, true);
  if (LENGTH_BYTES + length > frame.length) throw refuse(`ends before its header of ${length} bytes does`);
  const text = new TextDecoder().decode(frame.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
  const { body, tensors: placed } = JSON.parse(text) as Header;
  let offset = aligned(LENGTH_BYTES + length);
  const tensors = Object.entries(placed).map(([name, { storage, ...type }]): [string, TensorData] => {
    const kind = STORAGE[storage];
    const elements = type.shape.reduce((size, extent) => size * extent, 1);
    const end = offset + elements * kind.BYTES_PER_ELEMENT;
    if (end > frame.length) throw refuse(`ends before tensor "${name}" does`);
    const bytes = frame.slice(offset, end);
    offset = aligned(end);
    return [name, { type, data: new kind(bytes.buffer as ArrayBuffer) }];
  });
  return { body, tensors: Object.fromEntries(tensors) };
}

interface PlacedType extends TensorType {
  readonly storage: Storage;
}

interface Header {
  readonly body: unknown;
  readonly tensors: Readonly<Record<string, PlacedType>>;
}

const LENGTH_BYTES = 4;
const aligned = (offset: number) => Math.ceil(offset / 8) * 8;

/** The arrays of host tensors: f32 is held in float32 or float64. */
const STORAGE = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array } as const;
type Storage = keyof typeof STORAGE;

function storageOf(data: TensorData["data"]): Storage {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  return data instanceof Int32Array ? "int32" : "uint8";
}

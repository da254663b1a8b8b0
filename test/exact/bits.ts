import type { TensorData, Tensors } from "asl-core";

const view = new DataView(new ArrayBuffer(4));

/** The float32 whose bits these are. */
export function fromBits(bits: number): number {
  view.setUint32(0, bits);
  return view.getFloat32(0);
}

/** The neighbour of a float32 that is `steps` away; away from zero for positive steps. */
export function neighbour(x: number, steps: number): number {
  view.setFloat32(0, x);
  return fromBits(view.getUint32(0) + steps);
}

/** Spacing of float32 numbers at |x|. */
export function ulpOf(x: number): number {
  view.setFloat32(0, Math.abs(x));
  return fromBits(view.getUint32(0) & 0x7f800000) * 2 ** -23;
}

/** Number of float32 elements whose 32 bits differ. Throws when the lengths do. */
export function differingBits(a: TensorData["data"], b: TensorData["data"]): number {
  const [left, right] = [bitsOf(a), bitsOf(b)];
  if (left.length !== right.length) throw new Error(`${left.length} elements against ${right.length}`);
  let count = 0;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) count++;
  return count;
}

/** `differingBits` of every output by name. */
export function differences(a: Tensors, b: Tensors): Record<string, number> {
  return Object.fromEntries(Object.entries(a).map(([name, { data }]) => [name, differingBits(data, b[name]!.data)]));
}

function bitsOf(data: TensorData["data"]): Uint32Array {
  if (!(data instanceof Float32Array)) throw new Error(`expected a Float32Array; got ${data.constructor.name}`);
  return new Uint32Array(data.buffer, data.byteOffset, data.length);
}

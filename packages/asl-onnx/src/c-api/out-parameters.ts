/** The pointer that a function writes through its parameter. */
export function outPointer(call: (out: BigUint64Array) => void): bigint {
  const out = new BigUint64Array(1);
  call(out);
  return out[0]!;
}

/** A `size_t`. */
export const outSize = (call: (out: BigUint64Array) => void): number => Number(outPointer(call));

/** An `int`, or an enumeration. */
export function outInt(call: (out: Int32Array) => void): number {
  const out = new Int32Array(1);
  call(out);
  return out[0]!;
}

/** Offsets that the coordinates 0, 1, ... of one axis add to an address: coordinate(i) * stride. */
export function axisOffsets(extent: number, stride: number, coordinate: (i: number) => number = (i) => i): Int32Array {
  const offsets = new Int32Array(extent);
  for (let i = 0; i < extent; i++) offsets[i] = coordinate(i) * stride;
  return offsets;
}

/**
 * The addresses of a box's elements in row-major order: `origin` plus one offset of each axis, the last axis fastest.
 * No axis gives one address, an empty axis none.
 */
export function addressesOf(axes: readonly Int32Array[], origin = 0): Int32Array {
  let addresses = Int32Array.of(origin);
  for (const offsets of axes) {
    const extended = new Int32Array(addresses.length * offsets.length);
    let next = 0;
    for (let i = 0; i < addresses.length; i++) {
      const base = addresses[i]!;
      for (let j = 0; j < offsets.length; j++) extended[next++] = base + offsets[j]!;
    }
    addresses = extended;
  }
  return addresses;
}

/**
 * 32-bit hash of a list of 32-bit words: MurmurHash3's body and finaliser (Austin Appleby, public domain
 * description). Every bit of every word changes every bit of the result with probability near 1/2.
 */
export function absorb(start: number, words: readonly number[]): number {
  let hash = start | 0;
  for (const word of words) {
    const mixed = Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
    hash = (Math.imul(rotate(hash ^ mixed, 13), 5) + 0xe6546b64) | 0;
  }
  hash ^= 4 * words.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const rotate = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits));

/** Metadata key under which a file carries the SHA-256 of itself, taken with this value as 64 zeros. */
export const DIGEST_KEY = "asl.sha256";

export const BLANK_DIGEST = "0".repeat(64);

/** The header bytes with the digest replaced by zeros, as they were hashed. */
export function blankDigest(header: Uint8Array, digest: string): Uint8Array {
  const blank = header.slice();
  const [before, after] = [digest, BLANK_DIGEST].map((value) =>
    new TextEncoder().encode(`${JSON.stringify(DIGEST_KEY)}:${JSON.stringify(value)}`),
  );
  const position = indexOf(blank, before!);
  if (position >= 0) blank.set(after!, position);
  return blank;
}

function indexOf(bytes: Uint8Array, sequence: Uint8Array): number {
  for (let at = bytes.indexOf(sequence[0]!); at >= 0; at = bytes.indexOf(sequence[0]!, at + 1)) {
    if (sequence.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

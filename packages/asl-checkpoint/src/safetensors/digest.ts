/** Metadata key under which a file carries the SHA-256 of itself, taken with this value as 64 zeros. */
export const DIGEST_KEY = "asl.sha256";

export const BLANK_DIGEST = "0".repeat(64);

/** The header bytes with the digest replaced by zeros, as they were hashed. */
export function blankDigest(header: Buffer, digest: string): Buffer {
  const blank = Buffer.from(header);
  const field = `${JSON.stringify(DIGEST_KEY)}:${JSON.stringify(digest)}`;
  const position = blank.indexOf(field);
  if (position >= 0) blank.write(`${JSON.stringify(DIGEST_KEY)}:"${BLANK_DIGEST}"`, position, "latin1");
  return blank;
}

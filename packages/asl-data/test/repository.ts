import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";

/** The root of the repository. */
export const root = resolve(import.meta.dirname, "../../..");

/** The folder of shared goldens beside the repository; it is not part of it. */
export const shared = resolve(root, "../shared");

export const hasShared = existsSync(shared);

export function sha256(...parts: readonly (Uint8Array | string)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** The bytes of any typed array. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

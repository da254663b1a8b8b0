import { GraphError } from "../errors/errors.js";

/** RFC 4648, section 4. Written out because neither `btoa` nor `Buffer` is in the language itself. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const SEXTETS = new Map(Array.from(ALPHABET, (letter, sextet) => [letter.charCodeAt(0), sextet]));

export function toBase64(bytes: Uint8Array): string {
  const groups: string[] = [];
  for (let i = 0; i < bytes.length; i += 3) {
    const bits = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const letters = [18, 12, 6, 0].map((shift) => ALPHABET[(bits >> shift) & 63]!);
    const count = Math.min(bytes.length - i, 3);
    groups.push(letters.slice(0, count + 1).join("") + "=".repeat(3 - count));
  }
  return groups.join("");
}

/** Throws GraphError for text that is not padded base64. */
export function fromBase64(text: string): Uint8Array {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  if (text.length % 4 !== 0) throw new GraphError(`base64 comes in groups of 4 letters; got ${text.length} letters`);
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  for (let i = 0, at = 0; i < text.length; i += 4) {
    let bits = 0;
    for (let k = i; k < i + 4; k++) {
      const sextet = k >= text.length - padding ? 0 : SEXTETS.get(text.charCodeAt(k));
      if (sextet === undefined) throw new GraphError(`letter ${k} of a base64 text is ${JSON.stringify(text[k])}`);
      bits = (bits << 6) | sextet;
    }
    // Writing past the end of a typed array does nothing: that is where the padding goes.
    bytes[at++] = bits >> 16;
    bytes[at++] = (bits >> 8) & 255;
    bytes[at++] = bits & 255;
  }
  return bytes;
}

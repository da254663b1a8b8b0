import { CheckpointError } from "../errors.js";
import type { ByteSource } from "../file/byte-source.js";
import { latin1, utf8 } from "../file/text.js";

export type Container = "zip" | "pickle" | "safetensors";

const HEAD = 512;
const WANTED = "a PyTorch .pth or a safetensors checkpoint is needed";

/** A kind of file that is often given by mistake, known by its first bytes. */
interface Mistake {
  readonly what: string;
  readonly test: (head: Uint8Array) => boolean;
}

const startsWith =
  (...bytes: number[]) =>
  (head: Uint8Array): boolean =>
    bytes.every((byte, i) => head[i] === byte);

const matches =
  (pattern: RegExp) =>
  (head: Uint8Array): boolean =>
    pattern.test(latin1(head));

const MISTAKES: readonly Mistake[] = [
  { what: "an ONNX model", test: isOnnx },
  {
    what: "a Git LFS pointer, the real file was not fetched (git lfs pull)",
    test: matches(/^version https:\/\/git-lfs/),
  },
  { what: "a web page, probably an error page that was saved as a download", test: matches(/^\s*<(?:!doctype|html)/i) },
  { what: "a NumPy .npy array", test: startsWith(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59) },
  { what: "an HDF5 file (Keras .h5)", test: startsWith(0x89, 0x48, 0x44, 0x46) },
  { what: "a GGUF model", test: matches(/^GGUF/) },
  { what: "a gzip archive; unpack it first", test: startsWith(0x1f, 0x8b) },
  { what: "a zstd archive; unpack it first", test: startsWith(0x28, 0xb5, 0x2f, 0xfd) },
  {
    what: "a tar archive (or a PyTorch file from before 0.1.10)",
    test: (head) => latin1(head.subarray(257, 262)) === "ustar",
  },
  { what: "a JPEG picture", test: startsWith(0xff, 0xd8, 0xff) },
  { what: "a PNG picture", test: startsWith(0x89, 0x50, 0x4e, 0x47) },
  { what: "a WebP picture", test: matches(/^RIFF[\s\S]{4}WEBP/) },
];

/** Which reader a file is for, by its content; the name does not matter. Says what else it is if it is none. */
export async function recognise(file: ByteSource): Promise<Container> {
  if (file.size === 0) throw new CheckpointError(file.file, `the file is empty (0 bytes); ${WANTED}`);
  const head = await file.read(0, Math.min(HEAD, file.size));
  if (startsWith(0x50, 0x4b)(head)) return "zip";
  if (isPickle(head)) return "pickle";
  if (isSafetensors(head)) return "safetensors";
  const mistake = MISTAKES.find(({ test }) => test(head));
  const what = mistake?.what ?? (isText(head) ? `a text file ("${firstLine(head)}")` : "no format that is known");
  throw new CheckpointError(file.file, `this is ${what}; ${WANTED}`);
}

/** An 8-byte length, whose upper bytes are 0 (in a text that has a brace there they are not), then JSON. */
function isSafetensors(head: Uint8Array): boolean {
  return head[6] === 0 && head[7] === 0 && head[8] === 0x7b;
}

/** Protocols 2 to 5 begin with PROTO; 0 and 1 with text, here as far as they name a class or function first. */
function isPickle(head: Uint8Array): boolean {
  if (head[0] === 0x80 && head.length > 1 && head[1]! <= 5) return true;
  return /^\(?[ci][A-Za-z_][\w.]*\n[A-Za-z_]\w*\n/.test(latin1(head));
}

/** ModelProto: field 1 (ir_version) as a small varint, then producer, domain, graph or opset import. */
function isOnnx(head: Uint8Array): boolean {
  return head[0] === 0x08 && head.length > 2 && head[1]! < 0x20 && [0x12, 0x1a, 0x22, 0x3a, 0x42].includes(head[2]!);
}

function isText(head: Uint8Array): boolean {
  for (const byte of head) if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return false;
  return !utf8(head.subarray(0, Math.max(1, head.length - 4))).includes("\ufffd");
}

function firstLine(head: Uint8Array): string {
  const line = utf8(head).split(/\r?\n/, 1)[0] ?? "";
  return line.length > 40 ? `${line.slice(0, 40)}...` : line;
}

import { halfToFloat } from "../elements.js";

export type NpyData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

export interface NpyArray {
  /** NumPy's name without byte order: "f4", "i8", "b1". Half precision ("f2") is widened to Float32Array. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Row-major (C order), whichever order the file has. */
  readonly data: NpyData;
}

/** The bytes are not an array that is read. The reader of the file adds its name. */
export class NpyFormatError extends Error {}

interface NpyCodec {
  readonly bytes: number;
  readonly decode: (buffer: ArrayBuffer) => NpyData;
}

const CODECS: Readonly<Record<string, NpyCodec>> = {
  f2: { bytes: 2, decode: (buffer) => Float32Array.from(new Uint16Array(buffer), halfToFloat) },
  f4: { bytes: 4, decode: (buffer) => new Float32Array(buffer) },
  f8: { bytes: 8, decode: (buffer) => new Float64Array(buffer) },
  i1: { bytes: 1, decode: (buffer) => new Int8Array(buffer) },
  i2: { bytes: 2, decode: (buffer) => new Int16Array(buffer) },
  i4: { bytes: 4, decode: (buffer) => new Int32Array(buffer) },
  i8: { bytes: 8, decode: (buffer) => new BigInt64Array(buffer) },
  u1: { bytes: 1, decode: (buffer) => new Uint8Array(buffer) },
  u2: { bytes: 2, decode: (buffer) => new Uint16Array(buffer) },
  u4: { bytes: 4, decode: (buffer) => new Uint32Array(buffer) },
  u8: { bytes: 8, decode: (buffer) => new BigUint64Array(buffer) },
  b1: { bytes: 1, decode: (buffer) => new Uint8Array(buffer).map((byte) => (byte === 0 ? 0 : 1)) },
};

/**
 * One array in NumPy's .npy format (versions 1 to 3): magic, version, header length, a Python dict literal with descr,
 * fortran_order and shape, then the numbers.
 */
export function parseNpy(file: ArrayBuffer): NpyArray {
  const header = parseNpyHeader(Buffer.from(file));
  const codec = Object.hasOwn(CODECS, header.kind) ? CODECS[header.kind] : undefined;
  if (codec === undefined) throw new NpyFormatError(unsupported(header.kind));
  const size = header.shape.reduce((product, extent) => product * extent, 1);
  const found = file.byteLength - header.dataStart;
  if (found !== size * codec.bytes) {
    throw new NpyFormatError(
      `shape (${header.shape.join(", ")}) of ${header.kind} needs ${size * codec.bytes} bytes, not ${found}`,
    );
  }
  const raw = file.slice(header.dataStart);
  if (header.bigEndian) swapBytes(new Uint8Array(raw), codec.bytes);
  const data = codec.decode(raw);
  return { dtype: header.kind, shape: header.shape, data: header.fortranOrder ? toRowMajor(data, header.shape) : data };
}

/** Headers are shorter than this, unless an array has hundreds of dimensions. */
export const NPY_HEADER_BYTES = 4096;

export interface NpyHeader {
  readonly kind: string;
  readonly bigEndian: boolean;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Byte where the numbers begin. */
  readonly dataStart: number;
}

/** The header alone, from the first bytes of a file. Throws NpyFormatError. */
export function parseNpyHeader(bytes: Buffer): NpyHeader {
  if (!isNpy(bytes)) throw new NpyFormatError("no .npy header");
  const version = bytes[6]!;
  if (version < 1 || version > 3) throw new NpyFormatError(`.npy version ${version}; 1 to 3 are read`);
  const headerStart = version === 1 ? 10 : 12;
  const headerLength = version === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8);
  const dataStart = headerStart + headerLength;
  if (dataStart > bytes.length) throw new NpyFormatError("a truncated .npy header");
  return { ...parseDescription(bytes.toString("utf8", headerStart, dataStart)), dataStart };
}

export const isNpy = (bytes: Buffer) => bytes.length >= 12 && bytes.toString("latin1", 0, 6) === "\x93NUMPY";

function parseDescription(text: string): Omit<NpyHeader, "dataStart"> {
  const descr = /'descr':\s*'([<>|=])?([^']+)'/.exec(text);
  const order = /'fortran_order':\s*(True|False)/.exec(text);
  const shape = /'shape':\s*\(([\d,\s]*)\)/.exec(text);
  if (descr === null && /'descr':\s*\[/.test(text)) throw new NpyFormatError("a structured array, which is not read");
  if (descr === null || order === null || shape === null) throw new NpyFormatError("a damaged .npy header");
  const extents = shape[1]!.split(",").flatMap((part) => (part.trim() === "" ? [] : [Number(part)]));
  if (!extents.every(Number.isSafeInteger)) throw new NpyFormatError(`a shape of (${shape[1]})`);
  return { kind: descr[2]!, bigEndian: descr[1] === ">", fortranOrder: order[1] === "True", shape: extents };
}

function unsupported(kind: string): string {
  if (kind.startsWith("O")) return "an array of Python objects, which is a pickle and is not read";
  if (kind.startsWith("U") || kind.startsWith("S")) return `an array of text (${kind}); only numbers are read`;
  return `dtype "${kind}"; supported are ${Object.keys(CODECS).join(", ")}`;
}

function swapBytes(bytes: Uint8Array, width: number): void {
  for (let start = 0; start < bytes.length; start += width) bytes.subarray(start, start + width).reverse();
}

/** Fortran order runs the first axis fastest: element (i0, i1, ...) is at i0 + n0 * (i1 + n1 * (...)). */
function toRowMajor(data: NpyData, shape: readonly number[]): NpyData {
  const result = data.slice();
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < data.length; i++) {
    let position = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) position = position * shape[axis]! + index[axis]!;
    result[i] = data[position]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]! += 1;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
  return result;
}

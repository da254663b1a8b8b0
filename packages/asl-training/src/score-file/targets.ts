import { ColumnReader, halfToFloat, type MatrixLayout, type ReadColumnsOptions } from "asl-checkpoint";
import { PredictionsError } from "../errors.js";

/** Where the targets of a score file come from, a block of classes at a time. */
export interface TargetColumns extends Disposable {
  readonly rows: number;
  readonly classes: number;
  /** Bytes of memory that each class of a block takes. */
  readonly columnBytes: number;
  /** Blocks begin at a multiple of this. */
  readonly alignment: number;
  /** Makes classes first .. first + count - 1 ready. */
  load(first: number, count: number, options: ReadColumnsOptions): Promise<void>;
  /** Targets of the class `first + offset`: 1, 0, or -1 for "not annotated". */
  fill(offset: number, into: Int8Array): void;
}

/** 1, 0 or -1 of each stored element; undefined for anything else. */
type Decode = (stored: number) => -1 | 0 | 1 | undefined;

const ofNumber: Decode = (value) => (value === 0 || value === 1 || value === -1 ? value : undefined);
const floatOfBits = (bits: number) => {
  BITS[0] = bits;
  return FLOAT[0]!;
};
const BITS = new Uint32Array(1);
const FLOAT = new Float32Array(BITS.buffer);

/** An unsigned byte cannot be -1: 255, its bits, stands for it. */
const DECODE: Partial<Readonly<Record<MatrixLayout["elementType"], Decode>>> = {
  U8: (value) => (value === 255 ? -1 : ofNumber(value)),
  I8: (value) => (value === 255 ? -1 : ofNumber(value)),
  BOOL: (value) => (value === 0 ? 0 : 1),
  F16: (bits) => ofNumber(halfToFloat(bits)),
  F32: (bits) => ofNumber(floatOfBits(bits)),
  I32: (bits) => ofNumber(bits | 0),
};

/**
 * A matrix [rows, classes] of 1, 0 and -1 (255 in unsigned bytes), or [rows, ceil(classes / 8)] bytes of packed bits as
 * numpy.packbits(targets, axis=1) makes them: the first class in the highest bit.
 * @throws PredictionsError for another shape or element type
 */
export function matrixTargets(layout: MatrixLayout, rows: number, classes: number): TargetColumns {
  const { file, elementType } = layout;
  const packed = layout.columns === Math.ceil(classes / 8) && layout.columns !== classes && elementType === "U8";
  if (layout.rows !== rows || (layout.columns !== classes && !packed)) {
    throw new PredictionsError(
      file,
      `targets should be [${rows},${classes}], or [${rows},${Math.ceil(classes / 8)}] bytes of packed bits; ` +
        `found ${elementType} [${layout.rows},${layout.columns}]`,
    );
  }
  const decode = DECODE[elementType];
  if (decode === undefined) {
    throw new PredictionsError(file, `targets of ${elementType} are not read in blocks; save them as int8 or uint8`);
  }
  const reader = ColumnReader.open(layout);
  return packed ? new PackedTargets(reader, classes) : new MatrixTargets(reader, decode);
}

class MatrixTargets implements TargetColumns {
  readonly alignment = 1;
  readonly #reader: ColumnReader;
  readonly #decode: Decode;
  #block = new ArrayBuffer(0);
  #first = 0;

  constructor(reader: ColumnReader, decode: Decode) {
    this.#reader = reader;
    this.#decode = decode;
  }

  get rows() {
    return this.#reader.layout.rows;
  }
  get classes() {
    return this.#reader.layout.columns;
  }
  get columnBytes() {
    return this.#reader.columnBytes;
  }

  async load(first: number, count: number, options: ReadColumnsOptions): Promise<void> {
    this.#block = reserve(this.#block, count * this.columnBytes);
    await this.#reader.readColumns(first, count, this.#block, options);
    this.#first = first;
  }

  fill(offset: number, into: Int8Array): void {
    const { rows, columnBytes } = this;
    const bytes = columnBytes / rows;
    const Elements = bytes === 1 ? Uint8Array : bytes === 2 ? Uint16Array : Uint32Array;
    const stored = new Elements(this.#block, offset * columnBytes, rows);
    for (let row = 0; row < rows; row++) {
      const target = this.#decode(stored[row]!);
      if (target === undefined) {
        throw new PredictionsError(
          this.#reader.layout.file,
          `the target at row ${row}, class ${this.#first + offset} is none of 1 (there), 0 (not there) and -1 (not annotated)`,
        );
      }
      into[row] = target;
    }
  }

  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
  }
}

class PackedTargets implements TargetColumns {
  readonly alignment = 8;
  readonly #reader: ColumnReader;
  #block = new ArrayBuffer(0);

  constructor(
    reader: ColumnReader,
    readonly classes: number,
  ) {
    this.#reader = reader;
  }

  get rows() {
    return this.#reader.layout.rows;
  }
  get columnBytes() {
    return this.#reader.columnBytes / 8;
  }

  async load(first: number, count: number, options: ReadColumnsOptions): Promise<void> {
    const bytes = Math.ceil(count / 8);
    this.#block = reserve(this.#block, bytes * this.rows);
    await this.#reader.readColumns(first / 8, bytes, this.#block, options);
  }

  fill(offset: number, into: Int8Array): void {
    const bits = new Uint8Array(this.#block, (offset >> 3) * this.rows, this.rows);
    const shift = 7 - (offset & 7);
    for (let row = 0; row < bits.length; row++) into[row] = (bits[row]! >> shift) & 1;
  }

  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
  }
}

/** Targets of which some count as not annotated: those where `annotated` is 0. */
export function maskedTargets(targets: TargetColumns, annotated: TargetColumns): TargetColumns {
  const mask = new Int8Array(targets.rows);
  return {
    rows: targets.rows,
    classes: targets.classes,
    columnBytes: targets.columnBytes + annotated.columnBytes,
    alignment: Math.max(targets.alignment, annotated.alignment),
    async load(first, count, options) {
      await targets.load(first, count, options);
      await annotated.load(first, count, options);
    },
    fill(offset, into) {
      targets.fill(offset, into);
      annotated.fill(offset, mask);
      for (let row = 0; row < mask.length; row++) if (mask[row] !== 1) into[row] = -1;
    },
    [Symbol.dispose]() {
      targets[Symbol.dispose]();
      annotated[Symbol.dispose]();
    },
  };
}

/** The old buffer where it is large enough: memory that is let go comes back only when it is collected. */
export const reserve = (buffer: ArrayBuffer, bytes: number) =>
  buffer.byteLength >= bytes ? buffer : new ArrayBuffer(bytes);

import { closeSync, openSync, readSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { elementBytes } from "../elements.js";
import { CheckpointError, causeOf } from "../errors.js";
import type { MatrixLayout } from "./layout.js";

export interface ReadColumnsOptions {
  /** Called after each part with the share of the block that is read, up to 1. */
  readonly onProgress?: (share: number) => void;
  /** Stops between parts; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Bytes of rows that are turned into columns at a time: what the second-level cache holds. */
const TILE = 1 << 18;
/** Where the columns wanted are less than this part of a row's bytes, a read of its own for each row does not pay. */
const SHORT_SEGMENT = 1024;
/** One read of the operating system takes less than 2 GiB. */
const MAX_READ = 1 << 28;
/** Parts between looks at timers and signals. */
const PARTS_PER_TURN = 32;

type Elements = Uint8Array | Uint16Array | Uint32Array;

/**
 * Reads blocks of columns out of a matrix in a file that is larger than memory. Of a row-major file only the bytes of
 * the block's columns are read, row by row, and turned over in tiles.
 */
export class ColumnReader implements Disposable {
  readonly layout: MatrixLayout;
  readonly #descriptor: number;
  readonly #bytes: 1 | 2 | 4;

  private constructor(layout: MatrixLayout, descriptor: number, bytes: 1 | 2 | 4) {
    this.layout = layout;
    this.#descriptor = descriptor;
    this.#bytes = bytes;
  }

  /** @throws CheckpointError when the file cannot be opened or has 8-byte elements */
  static open(layout: MatrixLayout): ColumnReader {
    const bytes = elementBytes(layout.elementType);
    if (bytes !== 1 && bytes !== 2 && bytes !== 4) {
      throw new CheckpointError(
        layout.file,
        `${layout.elementType} is not read in blocks; save it as float32 or uint8`,
      );
    }
    try {
      return new ColumnReader(layout, openSync(layout.file, "r"), bytes);
    } catch (error) {
      throw new CheckpointError(layout.file, `cannot be opened (${causeOf(error)})`, { cause: error });
    }
  }

  /** Bytes that one column takes in memory. */
  get columnBytes(): number {
    return this.layout.rows * this.#bytes;
  }

  /** Puts columns first .. first + count - 1 one after another into `block`, as they stand in the file. */
  async readColumns(first: number, count: number, block: ArrayBuffer, options: ReadColumnsOptions = {}): Promise<void> {
    if (this.layout.order === "column") await this.#contiguous(first, count, block, options);
    else await this.#strided(first, count, block, options);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }

  async #contiguous(first: number, count: number, block: ArrayBuffer, { onProgress, signal }: ReadColumnsOptions) {
    const size = count * this.columnBytes;
    const start = this.layout.start + first * this.columnBytes;
    for (let done = 0; done < size; done += MAX_READ) {
      signal?.throwIfAborted();
      this.#fill(new Uint8Array(block, done, Math.min(MAX_READ, size - done)), start + done);
      onProgress?.(Math.min(1, (done + MAX_READ) / size));
      await setImmediate();
    }
  }

  async #strided(first: number, count: number, block: ArrayBuffer, { onProgress, signal }: ReadColumnsOptions) {
    const { rows, columns, start } = this.layout;
    const rowBytes = columns * this.#bytes;
    const segment = count * this.#bytes;
    const wholeRows = segment <= SHORT_SEGMENT || segment === rowBytes;
    const stride = wholeRows ? rowBytes : segment;
    const tileRows = Math.max(1, Math.floor(TILE / stride));
    const tile = new ArrayBuffer(tileRows * stride);
    const from = this.#view(tile);
    const into = this.#view(block);
    const offset = wholeRows ? first : 0;
    for (let row = 0, part = 0; row < rows; row += tileRows, part++) {
      const height = Math.min(tileRows, rows - row);
      if (wholeRows) this.#fill(new Uint8Array(tile, 0, height * rowBytes), start + row * rowBytes);
      else {
        for (let i = 0; i < height; i++) {
          const place = start + (row + i) * rowBytes + first * this.#bytes;
          this.#fill(new Uint8Array(tile, i * segment, segment), place);
        }
      }
      transposeTile(from, stride / this.#bytes, offset, height, into, rows, row, count);
      if (part % PARTS_PER_TURN !== 0) continue;
      signal?.throwIfAborted();
      onProgress?.((row + height) / rows);
      await setImmediate();
    }
    onProgress?.(1);
  }

  #view(buffer: ArrayBuffer): Elements {
    if (this.#bytes === 1) return new Uint8Array(buffer);
    return this.#bytes === 2 ? new Uint16Array(buffer) : new Uint32Array(buffer);
  }

  #fill(target: Uint8Array, position: number): void {
    let done = 0;
    while (done < target.byteLength) {
      let read: number;
      try {
        read = readSync(this.#descriptor, target, done, target.byteLength - done, position + done);
      } catch (error) {
        throw new CheckpointError(this.layout.file, `cannot be read at byte ${position} (${causeOf(error)})`, {
          cause: error,
        });
      }
      if (read === 0) {
        throw new CheckpointError(this.layout.file, `the file became shorter while it was read (at byte ${position})`);
      }
      done += read;
    }
  }
}

/** into[column][row + i] = from[i][offset + column] */
function transposeTile(
  from: Elements,
  stride: number,
  offset: number,
  height: number,
  into: Elements,
  rows: number,
  row: number,
  count: number,
): void {
  for (let column = 0; column < count; column++) {
    let source = offset + column;
    const begin = column * rows + row;
    for (let place = begin; place < begin + height; place++, source += stride) into[place] = from[source]!;
  }
}

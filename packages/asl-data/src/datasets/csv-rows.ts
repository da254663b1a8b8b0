import { once } from "node:events";
import { createReadStream } from "node:fs";
import { DatasetError } from "../errors.js";
import { unreadable } from "./files.js";

export interface CsvRow {
  /** The line that the row ends on, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

const CHUNK = 2 ** 18;

/**
 * The rows of a CSV file (RFC 4180: quotes, line breaks in quotes, CRLF, byte order mark), read as a stream, some
 * thousand at a time: a promise per row would cost more than the row. Empty lines are left out and cells trimmed.
 * `expected` says in messages what the file should be. Throws DatasetError.
 */
export async function* readCsvBatches(file: string, expected: string): AsyncGenerator<readonly CsvRow[], void> {
  // loaded for the first file: most commands read none
  const { CsvError, parse } = await import("csv-parse");
  let rows: CsvRow[] = [];
  const parser = parse({
    bom: true,
    trim: true,
    skip_empty_lines: true,
    relax_column_count: true,
    on_record: (cells: string[], { lines }) => {
      rows.push({ line: lines, cells });
      return null; // nothing is queued in the stream
    },
  });
  let failure: Error | undefined;
  parser.once("error", (error) => {
    failure = error;
  });
  const taken = () => {
    const batch = rows;
    rows = [];
    return batch;
  };
  const stream = createReadStream(file, { highWaterMark: CHUNK });
  try {
    parser.resume();
    for await (const chunk of stream) {
      await new Promise<void>((resolve) => parser.write(chunk, () => resolve()));
      if (failure !== undefined) throw failure;
      yield taken();
    }
    const ended = once(parser, "end");
    parser.end();
    await ended;
    yield taken();
  } catch (thrown) {
    if (thrown instanceof CsvError) {
      throw new DatasetError(`${file}: ${thrown.message}. Expected ${expected}.`, { cause: thrown });
    }
    if (thrown instanceof DatasetError) throw thrown;
    throw unreadable(file, expected, thrown);
  } finally {
    stream.destroy();
    parser.destroy();
  }
}

/** The same, row by row. */
export async function* readCsv(file: string, expected: string): AsyncGenerator<CsvRow, void> {
  for await (const rows of readCsvBatches(file, expected)) yield* rows;
}

import { createReadStream } from "node:fs";
import { CsvError, parse } from "csv-parse";
import { DatasetError } from "../errors.js";
import { unreadable } from "./files.js";

export interface CsvRow {
  /** The line that the row ends on, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * The rows of a CSV file (RFC 4180: quotes, line breaks in quotes, CRLF, byte order mark), read as a stream. Empty lines
 * are left out and cells trimmed. `expected` says in messages what the file should be. Throws DatasetError.
 */
export async function* readCsv(file: string, expected: string): AsyncGenerator<CsvRow, void> {
  const parser = parse({ bom: true, trim: true, skip_empty_lines: true, relax_column_count: true, info: true });
  const stream = createReadStream(file, { highWaterMark: 2 ** 20 });
  stream.once("error", (error) => parser.destroy(error));
  try {
    for await (const { record, info } of stream.pipe(parser) as AsyncIterable<ParsedRow>) {
      yield { line: info.lines, cells: record };
    }
  } catch (thrown) {
    if (thrown instanceof CsvError) {
      throw new DatasetError(`${file}: ${thrown.message}. Expected ${expected}.`, { cause: thrown });
    }
    if (thrown instanceof DatasetError) throw thrown;
    throw unreadable(file, expected, thrown);
  } finally {
    stream.destroy();
  }
}

/** What csv-parse gives with `info: true`. */
interface ParsedRow {
  readonly record: string[];
  readonly info: { readonly lines: number };
}

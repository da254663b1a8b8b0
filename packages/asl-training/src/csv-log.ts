import { appendFile, readFile } from "node:fs/promises";
import { writeAtomically } from "asl-checkpoint";
import { RunDirectoryError } from "./errors.js";

export type CsvRow = readonly (string | number)[];

/** A table that grows row by row in a file that spreadsheets read. */
export class CsvLog {
  private constructor(readonly file: string) {}

  /**
   * Opens `file` with exactly the given columns, keeping those of its rows for which `keeps` says so: after an
   * interruption, what was written later than the snapshot is done again. A row cut off in the middle is dropped.
   */
  static async open(
    file: string,
    columns: readonly string[],
    keeps: (row: readonly string[]) => boolean,
  ): Promise<CsvLog> {
    const header = columns.join(",");
    const [found, ...rows] = completeLines(await textOf(file));
    const kept = found === header ? rows.filter((row) => keeps(row.split(","))) : [];
    const text = Buffer.from([header, ...kept].map((line) => `${line}\n`).join(""));
    await writeAtomically(file, (writer) => writer.write(text, 0));
    return new CsvLog(file);
  }

  async append(rows: readonly CsvRow[]): Promise<void> {
    if (rows.length === 0) return;
    try {
      await appendFile(this.file, rows.map((row) => `${row.join(",")}\n`).join(""));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new RunDirectoryError(this.file, `cannot be written: ${why}`, { cause: error });
    }
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch {
    return ""; // a log that is not there starts empty
  }
}

const completeLines = (text: string) => text.split("\n").slice(0, -1);

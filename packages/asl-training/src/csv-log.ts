import { writeAtomically } from "asl-checkpoint";
import { appendToLog, readLog } from "./log-file.js";

export type CsvRow = readonly (string | number)[];

/** A table that grows row by row in a file that spreadsheets read. */
export class CsvLog {
  private constructor(readonly file: string) {}

  /**
   * Opens `file` with exactly the given columns, keeping those of its rows for which `keeps` says so: after an
   * interruption, what was written later than the snapshot is done again. A row cut off in the middle is dropped.
   * Throws RunDirectoryError for a file that cannot be read.
   */
  static async open(
    file: string,
    columns: readonly string[],
    keeps: (row: readonly string[]) => boolean,
  ): Promise<CsvLog> {
    const header = columns.join(",");
    const [found, ...rows] = completeLines((await readLog(file)).toString("utf8"));
    const kept = found === header ? rows.filter((row) => keeps(row.split(","))) : [];
    const text = Buffer.from([header, ...kept].map((line) => `${line}\n`).join(""));
    await writeAtomically(file, (writer) => writer.write(text, 0));
    return new CsvLog(file);
  }

  /** Throws RunDirectoryError when the file cannot be written. */
  async append(rows: readonly CsvRow[]): Promise<void> {
    if (rows.length === 0) return;
    await appendToLog(this.file, rows.map((row) => `${row.join(",")}\n`).join(""));
  }
}

const completeLines = (text: string) => text.split("\n").slice(0, -1);

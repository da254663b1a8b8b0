import { AslError } from "asl-core";

/** What `validate --json` prints, as far as it is used here. */
export interface ValidationResult {
  readonly mAP: number;
  readonly CF1: number;
  readonly threshold: number;
  /** Average precision by class name, percent. */
  readonly classes: Readonly<Record<string, number>>;
}

/** One line of `infer --json`. */
export interface InferenceResult {
  readonly image: string;
  readonly labels: readonly { readonly name: string; readonly score: number }[];
  readonly scores: Readonly<Record<string, number>>;
}

/** What `export --json` prints, as far as it is used here. */
export interface ExportResult {
  readonly maxError: number;
  readonly bound: number;
}

/** One row of a training run's metrics.csv. */
export type MetricsRow = Readonly<Record<string, number>>;

/** The JSON objects in a command's output, one a line. Throws AslError when it is something else. */
export function parseJsonLines<Result>(
  output: string,
  from: string,
  fields: readonly (keyof Result & string)[],
): Result[] {
  return output
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        throw unexpected(from, line);
      }
      if (typeof value !== "object" || value === null || fields.some((field) => !(field in value))) {
        throw unexpected(from, line);
      }
      return value as Result;
    });
}

/** The one JSON object in a command's output. */
export function parseJson<Result>(output: string, from: string, fields: readonly (keyof Result & string)[]): Result {
  const [result, ...more] = parseJsonLines<Result>(output, from, fields);
  if (result === undefined || more.length > 0) throw unexpected(from, output);
  return result;
}

/** Numbers by column name; a field that is no number is NaN. */
export function parseMetrics(csv: string): readonly MetricsRow[] {
  const [head = "", ...rows] = csv.split(/\r?\n/).filter((line) => line !== "");
  const names = head.split(",");
  return rows.map((row) => {
    const values = row.split(",");
    return Object.fromEntries(names.map((name, column) => [name, Number(values[column] || Number.NaN)]));
  });
}

function unexpected(from: string, text: string): AslError {
  const start = text.length > 120 ? `${text.slice(0, 120)}...` : text;
  return new AslError(
    "ERR_ASL_DEMO_OUTPUT",
    `${from} printed something else than the expected JSON: ${start || "nothing"}`,
  );
}

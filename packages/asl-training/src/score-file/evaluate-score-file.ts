import { ColumnReader, halfToFloat, type MatrixLayout } from "asl-checkpoint";
import {
  ColumnRanking,
  type DecisionCounts,
  InputError,
  meanOfClasses,
  NonFiniteError,
  type RankedPrecision,
  rankedPrecision,
  summariseDecisions,
} from "asl-core";
import { PredictionsError } from "../errors.js";
import { reportOf, type ValidationReport } from "../validation-report.js";
import { reserve, type TargetColumns } from "./targets.js";

export interface ScoreFileOptions {
  /** Probabilities, f32 or f16, [rows, classes]. */
  readonly scores: MatrixLayout;
  readonly targets: TargetColumns;
  readonly classNames: readonly string[];
  readonly threshold: number | readonly number[];
  /** Bytes that the process may take, all in all. */
  readonly memory: number;
  /** Called with the number of classes done, reading counted in. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** What the process takes beside the blocks: the runtime, code, ranking buffers, and what waits to be collected. */
export const RESERVED_MEMORY = 200 * 2 ** 20;

/** Of the work for one class, the share that reading is. Only for the progress bar. */
const READING = 0.5;

/**
 * The metrics of `validationReport`, number for number, of scores in a file that is larger than memory: as many classes
 * at a time as fit, each ranked by itself.
 * @throws InputError when the memory does not hold a single class; NonFiniteError (row, class) and PredictionsError for
 * scores that are no probabilities
 */
export async function evaluateScoreFile(options: ScoreFileOptions): Promise<ValidationReport> {
  const { scores, targets, classNames, threshold, onProgress, signal } = options;
  const { rows, columns } = scores;
  if (classNames.length !== columns) {
    throw new PredictionsError(scores.file, `${columns} classes, but ${classNames.length} class names were given`);
  }
  if (scores.elementType !== "F32" && scores.elementType !== "F16") {
    throw new PredictionsError(scores.file, `scores should be F32 or F16; found ${scores.elementType}`);
  }
  using reader = ColumnReader.open(scores);
  const blockClasses = classesPerBlock(reader, options);
  const ranking = new ColumnRanking(rows);
  const columnTargets = new Int8Array(rows);
  const half = scores.elementType === "F16" ? new HalfColumn(rows) : undefined;
  const ranked: RankedPrecision[] = [];
  const decisions: DecisionCounts[] = [];
  let block = new ArrayBuffer(0);
  for (let first = 0; first < columns; first += blockClasses) {
    const count = Math.min(blockClasses, columns - first);
    block = reserve(block, count * reader.columnBytes);
    const reading = (begin: number, share: number) => ({
      ...(signal === undefined ? {} : { signal }),
      onProgress: (part: number) => onProgress?.(Math.floor(first + count * (begin + share * part)), columns),
    });
    await reader.readColumns(first, count, block, reading(0, READING * 0.8));
    await targets.load(first, count, reading(READING * 0.8, READING * 0.2));
    for (let offset = 0; offset < count; offset++) {
      const column = half?.decode(block, offset) ?? new Float32Array(block, offset * rows * 4, rows);
      checkColumn(column, first + offset, scores);
      targets.fill(offset, columnTargets);
      ranked.push(rankedPrecision(ranking.rank(column, columnTargets), columnTargets));
      decisions.push(decide(column, columnTargets, thresholdOf(threshold, first + offset)));
      if (offset % 16 !== 15) continue;
      onProgress?.(Math.floor(first + count * READING + (offset + 1) * (1 - READING)), columns);
      await new Promise(setImmediate); // leaves the event loop to signals and timers
      signal?.throwIfAborted();
    }
  }
  onProgress?.(columns, columns);
  return reportOf(meanOfClasses(ranked), summariseDecisions(decisions), { classNames, threshold, images: rows });
}

/** As many as fit into the memory, a multiple of what the targets are aligned to. */
function classesPerBlock(reader: ColumnReader, { scores, targets, memory }: ScoreFileOptions): number {
  // keys and order twice, a decoded column, its targets
  const buffers = scores.rows * (4 * 4 + 4 + 1 + 1);
  const perClass = reader.columnBytes + targets.columnBytes;
  const { alignment } = targets;
  const fitting = Math.floor((memory - RESERVED_MEMORY - buffers) / perClass / alignment) * alignment;
  if (fitting >= 1) return Math.min(fitting, Math.ceil(scores.columns / alignment) * alignment);
  const least = Math.ceil((RESERVED_MEMORY + buffers + perClass * alignment) / 2 ** 20);
  throw new InputError(
    `${scores.file}: ${scores.rows} rows need a memory of at least ${least} MiB; got ${Math.floor(memory / 2 ** 20)} MiB`,
  );
}

/** Widens columns of half floats through a table of all 65,536. */
class HalfColumn {
  readonly #values = Float32Array.from({ length: 1 << 16 }, (_, bits) => halfToFloat(bits));
  readonly #column: Float32Array;

  constructor(rows: number) {
    this.#column = new Float32Array(rows);
  }

  decode(block: ArrayBuffer, offset: number): Float32Array {
    const bits = new Uint16Array(block, offset * this.#column.length * 2, this.#column.length);
    for (let row = 0; row < bits.length; row++) this.#column[row] = this.#values[bits[row]!]!;
    return this.#column;
  }
}

function checkColumn(column: Float32Array, index: number, { file, name, rows, columns }: MatrixLayout): void {
  for (let row = 0; row < column.length; row++) {
    const score = column[row]!;
    if (score >= 0 && score <= 1) continue;
    if (!Number.isFinite(score)) throw new NonFiniteError("scores", [row, index], score, [rows, columns]);
    throw new PredictionsError(
      file,
      `scores${name === "" ? "" : ` "${name}"`} must be probabilities from 0 to 1; found ${score} at row ${row}, ` +
        `class ${index}. If these are logits, take their sigmoid`,
    );
  }
}

const thresholdOf = (threshold: number | readonly number[], index: number) =>
  typeof threshold === "number" ? threshold : threshold[index]!;

function decide(scores: Float32Array, targets: Int8Array, threshold: number): DecisionCounts {
  let [hits, predicted, positives] = [0, 0, 0];
  for (let row = 0; row < scores.length; row++) {
    const target = targets[row]!;
    if (target < 0) continue;
    positives += target;
    if (!(scores[row]! > threshold)) continue;
    predicted++;
    hits += target;
  }
  return { hits, predicted, positives };
}

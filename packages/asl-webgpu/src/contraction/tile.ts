import { ShapeError } from "asl-core";
import type { ContractionOp } from "./mappings.js";
import { extentOf, type GemmProblem } from "./problem.js";
import type { Tile, Tuning } from "./tuning.js";

/** Workgroups below which terms are split to make more. */
const FEW_WORKGROUPS = 16;
/** Terms that make a part worth its partial sum. */
const TERMS_PER_PART = 256;
const MOST_SPLITS = 32;

/** A tile that follows from the shape and from what the device says of itself; the same one each time. */
export function chooseTile(problem: GemmProblem, tuning: Tuning): Tile {
  const [rows, columns] = [extentOf(problem.m), extentOf(problem.n)];
  const transposed = columns < 16 && rows > columns;
  const tile = tileOf(transposed ? columns : rows, transposed ? rows : columns, tuning);
  const workgroups =
    extentOf(problem.batch) *
    Math.ceil((transposed ? columns : rows) / (tile.threads[1] * tile.rows)) *
    Math.ceil((transposed ? rows : columns) / (tile.threads[0] * tile.columns));
  const parts = Math.min(Math.ceil(FEW_WORKGROUPS / workgroups), Math.floor(extentOf(problem.k) / TERMS_PER_PART));
  return { ...tile, splits: Math.max(1, Math.min(parts, MOST_SPLITS)), ...(transposed ? { transposed } : {}) };
}

function tileOf(rows: number, columns: number, { subgroupSize }: Tuning): Omit<Tile, "splits"> {
  const perThread = columns >= 48 ? 4 : columns >= 24 ? 2 : 1;
  if (subgroupSize === 4) {
    // Four-wide subgroups are a processor's vectors: little but arithmetic and reads counts.
    const threads = [Math.max(4, Math.min(16, 4 * Math.ceil(columns / (4 * perThread)))), 1] as const;
    if (rows < 4) return { from: "buffers", threads, rows, columns: perThread };
    return { from: "quads", threads, rows: rows < 8 ? 4 : rows < 16 ? 8 : 16, columns: perThread };
  }
  if (rows < 4) return { from: "buffers", threads: [64, 1], rows, columns: columns >= 4096 ? 4 : 1 };
  return { from: "buffers", threads: columns < 16 ? [8, 8] : [16, 4], rows: 4, columns: perThread };
}

/** Throws ShapeError when the device cannot run a tile. */
export function checkTile(
  tile: Tile,
  tuning: Tuning,
  { op, scope }: { readonly op: string; readonly scope: string },
): void {
  const reason = refusal(tile, tuning);
  if (reason !== undefined) throw new ShapeError(op, reason, scope);
}

export const isRunnable = (tile: Tile, tuning: Tuning): boolean => refusal(tile, tuning) === undefined;

function refusal({ from, threads, rows }: Tile, { limits, subgroupSize }: Tuning): string | undefined {
  const [x, y] = threads;
  const { maxComputeWorkgroupSizeX: mostX, maxComputeWorkgroupSizeY: mostY } = limits;
  const most = limits.maxComputeInvocationsPerWorkgroup;
  if (x > mostX || y > mostY || x * y > most) {
    return `its tile has ${x}x${y} invocations; the device allows ${mostX}x${mostY}, ${most} in all`;
  }
  const hasQuads = subgroupSize !== undefined && subgroupSize >= 4;
  if (from !== "quads" || (hasQuads && x % 4 === 0 && y === 1 && rows % 4 === 0)) return undefined;
  return (
    `a tile from quads needs the feature "subgroups" (size ${subgroupSize ?? "unknown"}), threads [4 i, 1] and 4 j rows; ` +
    `got [${threads}] and ${rows}`
  );
}

/** Names a contraction's shape: contractions of equal keys run equally well on equal tiles. */
export function contractionKey(op: ContractionOp, { batch, m, n, k }: GemmProblem): string {
  const extents = [batch, m, n, k].map((axes) => axes.map(({ name, extent }) => `${name}${extent}`).join(".") || "1");
  return `${op} ${extents.join(" ")}`;
}

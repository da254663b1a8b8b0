import { ShapeError } from "asl-core";
import type { ContractionOp } from "./mappings.js";
import { extentOf, type GemmProblem } from "./problem.js";
import { type ContractionLimits, type Tile, type Tuning, VECTOR } from "./tuning.js";

/** Workgroups below which terms are split to make more. */
const FEW_WORKGROUPS = 16;
/** Terms that make a part worth its partial sum. */
const TERMS_PER_PART = 256;
const MOST_SPLITS = 32;

/**
 * Tiles from workgroup memory, largest first: all make 4 x 4 elements with each invocation, and hold 16 terms at a time.
 * A tile is taken when it is full and leaves enough workgroups for all of a GPU.
 */
const WORKGROUP_TILES = [
  { from: "workgroup", threads: [16, 16], rows: 4, columns: 4, terms: 16 },
  { from: "workgroup", threads: [8, 8], rows: 4, columns: 4, terms: 16 },
] as const satisfies readonly Omit<Tile, "splits">[];
const WORKGROUPS_OF_A_GPU = 64;

/**
 * A tile that follows from the shape and from what the device says of itself; the same one each time:
 * - subgroups of four are the vectors of a processor: factors are passed on within quads
 * - another adapter in software: straight from the buffers
 * - a GPU: through workgroup memory where rows and columns fill a tile, else straight from the buffers
 */
export function chooseTile(problem: GemmProblem, tuning: Tuning): Tile {
  const [rows, columns] = [extentOf(problem.m), extentOf(problem.n)];
  const transposed = columns < 16 && rows > columns;
  const batch = extentOf(problem.batch);
  const tile = tileOf(transposed ? columns : rows, transposed ? rows : columns, { batch, tuning });
  const workgroups =
    batch *
    Math.ceil((transposed ? columns : rows) / (tile.threads[1] * tile.rows)) *
    Math.ceil((transposed ? rows : columns) / (tile.threads[0] * tile.columns));
  const parts = Math.min(Math.ceil(FEW_WORKGROUPS / workgroups), Math.floor(extentOf(problem.k) / TERMS_PER_PART));
  return { ...tile, splits: Math.max(1, Math.min(parts, MOST_SPLITS)), ...(transposed ? { transposed } : {}) };
}

function tileOf(
  rows: number,
  columns: number,
  { batch, tuning }: { readonly batch: number; readonly tuning: Tuning },
): Omit<Tile, "splits"> {
  const { subgroupSize, isSoftware = false } = tuning;
  const perThread = columns >= 48 ? 4 : columns >= 24 ? 2 : 1;
  if (subgroupSize === 4) {
    // Four-wide subgroups are a processor's vectors: little but arithmetic and reads counts.
    const threads = [Math.max(4, Math.min(16, 4 * Math.ceil(columns / (4 * perThread)))), 1] as const;
    if (rows < 4) return { from: "buffers", threads, rows, columns: perThread };
    return { from: "quads", threads, rows: rows < 8 ? 4 : rows < 16 ? 8 : 16, columns: perThread };
  }
  if (!isSoftware) {
    const possible = WORKGROUP_TILES.filter(
      (tile) =>
        isRunnable({ ...tile, splits: 1 }, tuning) &&
        rows >= tile.threads[1] * tile.rows &&
        columns >= tile.threads[0] * tile.columns,
    );
    const workgroups = (tile: (typeof WORKGROUP_TILES)[number]) =>
      batch * Math.ceil(rows / (tile.threads[1] * tile.rows)) * Math.ceil(columns / (tile.threads[0] * tile.columns));
    const chosen = possible.find((tile) => workgroups(tile) >= WORKGROUPS_OF_A_GPU) ?? possible.at(-1);
    if (chosen !== undefined) return chosen;
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

function refusal(tile: Tile, { limits, subgroupSize }: Tuning): string | undefined {
  const { from, threads, rows } = tile;
  const [x, y] = threads;
  const { maxComputeWorkgroupSizeX: mostX, maxComputeWorkgroupSizeY: mostY } = limits;
  const most = limits.maxComputeInvocationsPerWorkgroup;
  if (x > mostX || y > mostY || x * y > most) {
    return `its tile has ${x}x${y} invocations; the device allows ${mostX}x${mostY}, ${most} in all`;
  }
  if (from === "workgroup") return workgroupRefusal(tile, limits);
  const hasQuads = subgroupSize !== undefined && subgroupSize >= 4;
  if (from !== "quads" || (hasQuads && x % 4 === 0 && y === 1 && rows % 4 === 0)) return undefined;
  return (
    `a tile from quads needs the feature "subgroups" (size ${subgroupSize ?? "unknown"}), threads [4 i, 1] and 4 j rows; ` +
    `got [${threads}] and ${rows}`
  );
}

function workgroupRefusal(
  { threads, rows, columns, terms = VECTOR }: Tile,
  { maxComputeWorkgroupStorageSize: most }: ContractionLimits,
): string | undefined {
  if ([rows, columns, terms].some((each) => each < VECTOR || each % VECTOR !== 0)) {
    return `a tile from workgroup memory has rows, columns and terms in fours; got ${rows}, ${columns} and ${terms}`;
  }
  const bytes = 4 * terms * (threads[1] * rows + threads[0] * columns);
  return bytes <= most ? undefined : `its tile takes ${bytes} bytes of workgroup memory; the device has ${most}`;
}

/**
 * Names a contraction's shape, and which of its operands x0 and x1 and its result y are stored in 16 bits: contractions of
 * equal keys run equally well on equal tiles.
 */
export function contractionKey(
  op: ContractionOp,
  { batch, m, n, k }: GemmProblem,
  isHalf: readonly boolean[] = [],
): string {
  const extents = [batch, m, n, k].map((axes) => axes.map(({ name, extent }) => `${name}${extent}`).join(".") || "1");
  const halves = ["x0", "x1", "y"].filter((_, i) => isHalf[i]);
  return `${op} ${extents.join(" ")}${halves.length === 0 ? "" : ` f16 ${halves.join(".")}`}`;
}

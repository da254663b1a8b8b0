import type { ContractionOp } from "./mappings.js";
import { extentOf, type GemmProblem } from "./problem.js";
import type { Tile, Tuning } from "./tuning.js";

/** A tile that follows from the shape alone. */
export function chooseTile(problem: GemmProblem, _tuning: Tuning): Tile {
  const rows = extentOf(problem.m);
  const columns = extentOf(problem.n);
  return {
    threads: columns < 16 ? [8, 8] : [16, 4],
    rows: rows < 4 ? 1 : 4,
    columns: columns < 64 ? 1 : 4,
    splits: 1,
  };
}

/** Names a contraction's shape: problems of equal keys run equally well on equal tiles. */
export function problemKey(op: ContractionOp, { batch, m, n, k }: GemmProblem): string {
  const extents = [batch, m, n, k].map((axes) => axes.map(({ name, extent }) => `${name}${extent}`).join("."));
  return `${op} ${extents.join(" ")}`;
}

import { extentOf, type GemmProblem, transposeProblem } from "./problem.js";
import { chooseTile, isRunnable } from "./tile.js";
import type { Tile, Tuning } from "./tuning.js";

/** [threads along columns, along rows, rows, columns, terms] of tiles from workgroup memory. */
const WORKGROUP_SHAPES = [
  [8, 8, 4, 4, 16],
  [8, 8, 8, 4, 16],
  [8, 8, 8, 8, 8],
  [16, 8, 4, 4, 16],
  [16, 16, 4, 4, 16],
  [16, 16, 8, 4, 8],
] as const;

/** Tiles worth a trial for a contraction, the one that follows from the shape first. */
export function candidateTiles(problem: GemmProblem, tuning: Tuning): Tile[] {
  const first = chooseTile(problem, tuning);
  const candidates = [first];
  for (const transposed of [false, true]) {
    const { m, n } = transposed ? transposeProblem(problem) : problem;
    const common = { splits: first.splits, ...(transposed ? { transposed } : {}) };
    const shapes = [...fromWorkgroups(tuning), ...fromBuffers()].map((tile): Tile => ({ ...tile, ...common }));
    candidates.push(...shapes.filter((tile) => isFilled(tile, extentOf(m), extentOf(n))));
  }
  const texts = new Set<string>();
  return candidates.filter((tile) => {
    const text = JSON.stringify(Object.entries(tile).sort());
    const isNew = !texts.has(text);
    texts.add(text);
    return isNew && isRunnable(tile, tuning);
  });
}

type Shape = Omit<Tile, "splits" | "transposed">;

/** In software the memory of a workgroup is memory as any other. */
const fromWorkgroups = ({ isSoftware = false }: Tuning): Shape[] =>
  isSoftware
    ? []
    : WORKGROUP_SHAPES.map(([x, y, rows, columns, terms]) => ({
        from: "workgroup",
        threads: [x, y],
        rows,
        columns,
        terms,
      }));

const fromBuffers = (): Shape[] =>
  [1, 4, 8, 16].flatMap((rows) =>
    [1, 2, 4].flatMap((columns): Shape[] => [
      { from: "quads", threads: [16, 1], rows, columns },
      { from: "buffers", threads: [16, 4], rows, columns },
    ]),
  );

/** Whether at least half of a tile has something to compute. */
function isFilled({ from, threads, rows, columns }: Tile, height: number, width: number): boolean {
  // threads without elements cost little where each reads for itself
  const [high, wide] = from === "workgroup" ? [rows * threads[1], columns * threads[0]] : [rows, columns * 4];
  return (rows === 1 || high < 2 * height) && (columns === 1 || wide < 2 * width);
}

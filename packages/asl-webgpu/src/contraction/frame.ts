import { type Grid, gridOf } from "./grid.js";
import type { ContractionIO, ScratchIO } from "./io.js";
import { extentOf, type GemmProblem } from "./problem.js";
import { type ContractionLimits, type Tile, VECTOR } from "./tuning.js";
import { digits, indent, linear } from "./wgsl.js";

/** Workgroups of a kernel and the statements that tell each its `workgroup`, `batch` and `split`. */
export interface KernelFrame {
  readonly workgroups: Grid["workgroups"];
  readonly code: readonly string[];
}

export function frameOf(
  { batch, m, n }: GemmProblem,
  { threads, rows, columns, splits }: Tile,
  limits: ContractionLimits,
  subject: { readonly op: string; readonly scope: string },
): KernelFrame {
  const counts = [
    Math.ceil(extentOf(n) / (threads[0] * columns)),
    Math.ceil(extentOf(m) / (threads[1] * rows)),
    extentOf(batch) * splits,
  ] as const;
  const { workgroups, code } = gridOf(counts, limits, subject);
  const batchCode =
    splits === 1
      ? ["let batch = workgroup.z;"]
      : [`let batch = workgroup.z / ${splits}u;`, `let split = i32(workgroup.z % ${splits}u);`];
  return { workgroups, code: [code, ...batchCode] };
}

export function kernelText(
  { threads }: Tile,
  declarations: string,
  ownDeclarations: string,
  builtins: readonly string[],
  body: readonly string[],
): string {
  const arguments_ = [
    "@builtin(workgroup_id) workgroup_id: vec3<u32>",
    "@builtin(local_invocation_id) local: vec3<u32>",
    ...builtins,
  ];
  return `${declarations}${ownDeclarations}@compute @workgroup_size(${threads[0]}, ${threads[1]})
fn main(
  ${arguments_.join(",\n  ")},
) {
${indent(body.join("\n"))}
}
`;
}

export const declareSums = ({ rows, columns }: Tile): string[] =>
  Array.from({ length: rows * columns }, (_, i) => `var sum${Math.floor(i / columns)}_${i % columns} = 0.0;`);

/** The same in vectors along the columns. */
export const declareTotals = ({ rows, columns }: Tile): string[] =>
  Array.from({ length: (rows * columns) / VECTOR }, (_, i) => {
    const perRow = columns / VECTOR;
    return `var total${Math.floor(i / perRow)}_${i % perRow} = vec4<f32>();`;
  });

/** An invocation's columns, counted from its first: as far apart as the workgroup has threads; from `workgroup` in fours. */
const columnOf = ({ from, threads }: Tile, c: number): number =>
  from === "workgroup" ? (c - (c % VECTOR)) * threads[0] + (c % VECTOR) : c * threads[0];

/**
 * Stores the sums of an invocation from `row` and `column` on, one row after the other; a split's to scratch
 * [batch, split, m, n].
 */
export function storeSums(
  { m, n, output }: GemmProblem,
  tile: Tile,
  batchDigits: Readonly<Record<string, string>>,
  io: ContractionIO,
  scratch: ScratchIO,
): string[] {
  const { rows, columns, splits } = tile;
  const [height, width] = [extentOf(m), extentOf(n)];
  const isSplit = splits > 1;
  const columnCode = Array.from({ length: columns }, (_, c) => {
    const number = `column + ${columnOf(tile, c)}u`;
    return isSplit ? { code: [], values: {}, number } : { ...digits(n, number, `to${c}`), number };
  });
  const rowCode = Array.from({ length: rows }, (_, r) => {
    const number = `row + ${r}u`;
    const own = isSplit ? { code: [], values: {} } : digits(m, number, "to");
    const stores = columnCode.map(({ values, number: column }, c) => {
      const index = isSplit
        ? `(workgroup.z * ${height}u + ${number}) * ${width}u + ${column}`
        : `u32(${linear(0, output, { ...batchDigits, ...own.values, ...values })})`;
      const sum = positiveZero(`sum${r}_${c}`);
      const store = isSplit ? scratch.store(index, sum) : io.store(index, sum);
      return `if (${column} < ${width}u) {\n${indent(store)}\n}`;
    });
    return `if (${number} < ${height}u) {\n${indent([...own.code, ...stores].join("\n"))}\n}`;
  });
  return [...columnCode.flatMap(({ code }) => code), ...rowCode];
}

/** 0 + -0 is 0, but compilers leave the addition out where they know that the sum starts at 0. */
export const positiveZero = (sum: string) => `select(${sum}, 0.0, ${sum} == 0.0)`;

import { declareSums, type KernelFrame, kernelText, storeSums } from "./frame.js";
import type { ContractionIO, ScratchIO } from "./io.js";
import { lane } from "./lane.js";
import { termLoops } from "./loops.js";
import { extentOf, type GemmProblem } from "./problem.js";
import type { Tile } from "./tuning.js";
import { digits, linear } from "./wgsl.js";

const QUAD = 4;

/**
 * Each invocation adds the products of `rows` x `columns` elements in registers and reads its operands straight from
 * their buffers. From quads: an element of A is the same for all columns, so each invocation of a quad reads a quarter
 * of them and passes it on.
 */
export function directKernel(
  original: GemmProblem,
  tile: Tile,
  io: ContractionIO,
  scratch: ScratchIO,
  frame: KernelFrame,
): string {
  const batch = digits(original.batch, "batch", "batch");
  const { problem, windowed, plain, loop, code } = termLoops(original, tile.splits, batch.values);
  const { a, b, k, m, n } = problem;
  const terms = Object.fromEntries(k.map(({ name }) => [name, name]));
  const isQuad = tile.from === "quads";

  const firstRow = `workgroup.y * ${tile.threads[1] * tile.rows}u + local.y * ${tile.rows}u`;
  const firstColumn = `workgroup.x * ${tile.threads[0] * tile.columns}u + local.x`;
  const readRows = Array.from({ length: isQuad ? tile.rows / QUAD : tile.rows }, (_, r) => {
    const row = isQuad ? `row + ${r * QUAD}u + quarter` : `row + ${r}u`;
    return { name: `a${r}`, own: digits(m, `min(${row}, ${extentOf(m) - 1}u)`, `m${r}`) };
  });
  const columns = Array.from({ length: tile.columns }, (_, c) => {
    const column = `column + ${c * tile.threads[0]}u`;
    return { name: `b${c}`, own: digits(n, `min(${column}, ${extentOf(n) - 1}u)`, `n${c}`) };
  });
  const lanesOf = (operand: typeof a, read: typeof columns, step: string) =>
    read.map(({ name, own }) => ({
      name,
      ...lane(operand, k, { name, step, values: { ...batch.values, ...own.values }, io }),
    }));
  const lanes = [...lanesOf(a, readRows, "a_step"), ...lanesOf(b, columns, "b_step")];

  const factor = (r: number) => (isQuad ? `row${r}` : `a${r}`);
  const rows = Array.from({ length: tile.rows }, (_, r) => r);
  const products = [
    `let a_step = ${linear(0, a.strides, terms)};`,
    `let b_step = ${linear(0, b.strides, terms)};`,
    ...lanes.map(({ name, load }) => `let ${name} = ${load};`),
    ...(isQuad ? rows.map((r) => `let row${r} = quadBroadcast(a${Math.floor(r / QUAD)}, ${r % QUAD}u);`) : []),
    ...rows.flatMap((r) => columns.map(({ name }, c) => `sum${r}_${c} += ${factor(r)} * ${name};`)),
  ].join("\n");

  const body = [
    ...frame.code,
    ...batch.code,
    ...code,
    `let row = ${firstRow};`,
    `let column = ${firstColumn};`,
    ...(isQuad ? [`let quarter = lane % ${QUAD}u;`] : []),
    ...[...readRows, ...columns].flatMap(({ own }) => own.code),
    ...lanes.flatMap(({ fixed }) => fixed),
    ...declareSums(tile),
    loop(windowed, [...lanes.flatMap(({ placed }) => placed), loop(plain, products)].join("\n")),
    ...storeSums(problem, tile, batch.values, io, scratch),
  ];
  const builtins = isQuad ? ["@builtin(subgroup_invocation_id) lane: u32"] : [];
  return kernelText(tile, io.declarations, "", builtins, body);
}

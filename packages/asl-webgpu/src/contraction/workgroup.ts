import { declareTotals, type KernelFrame, kernelText, storeSums } from "./frame.js";
import type { ContractionIO, ScratchIO } from "./io.js";
import { extentOf, type GemmProblem } from "./problem.js";
import { fillTile, type TileMemory } from "./tile-memory.js";
import { type Tile, VECTOR } from "./tuning.js";
import { digits, indent } from "./wgsl.js";

/**
 * A workgroup copies `terms` columns of A and rows of B into its memory, rows and columns in fours, and every invocation
 * adds the products of its `rows` x `columns` elements from there: each element is read from its buffer once a workgroup.
 */
export function workgroupKernel(
  problem: GemmProblem,
  tile: Tile,
  io: ContractionIO,
  scratch: ScratchIO,
  frame: KernelFrame,
): string {
  const { threads, rows, columns, splits, terms = VECTOR } = tile;
  const [width, height] = threads;
  const batch = digits(problem.batch, "batch", "batch");
  const count = extentOf(problem.k);
  const step = Math.ceil(count / splits / terms) * terms;
  const [start, end] = splits === 1 ? ["0u", `${count}u`] : ["split_start", `min(split_start + ${step}u, ${count}u)`];
  const memoryOf = (name: "a" | "b", extent: number, origin: string): TileMemory => ({
    name,
    operand: problem[name],
    own: name === "a" ? problem.m : problem.n,
    terms: problem.k,
    extent,
    origin,
    depth: terms,
    invocations: width * height,
  });
  const a = memoryOf("a", height * rows, `workgroup.y * ${height * rows}u`);
  const b = memoryOf("b", width * columns, `workgroup.x * ${width * columns}u`);
  const fours = (extent: number) => extent / VECTOR;
  const list = (length: number) => Array.from({ length }, (_, i) => i);

  const products = [
    ...list(fours(rows)).map(
      (r) => `let a${r} = a_tile[term * ${fours(a.extent)}u + local.y * ${fours(rows)}u + ${r}u];`,
    ),
    ...list(fours(columns)).map((c) => `let b${c} = b_tile[term * ${fours(b.extent)}u + local.x + ${c * width}u];`),
    ...list(rows).flatMap((r) =>
      list(fours(columns)).map((c) => `total${r}_${c} += a${Math.floor(r / VECTOR)}[${r % VECTOR}] * b${c};`),
    ),
  ];
  const body = [
    ...frame.code,
    ...batch.code,
    ...(splits === 1 ? [] : [`let split_start = u32(split) * ${step}u;`]),
    `let invocation = local.y * ${width}u + local.x;`,
    ...declareTotals(tile),
    `for (var first = ${start}; first < ${end}; first += ${terms}u) {`,
    indent("workgroupBarrier();"),
    ...[a, b].map((memory) => indent(fillTile(memory, { batch: batch.values, end, io }).join("\n"))),
    indent("workgroupBarrier();"),
    indent(`for (var term = 0u; term < ${terms}u; term++) {\n${indent(products.join("\n"))}\n}`),
    "}",
    `let row = workgroup.y * ${a.extent}u + local.y * ${rows}u;`,
    `let column = workgroup.x * ${b.extent}u + local.x * ${VECTOR}u;`,
    ...list(rows).flatMap((r) =>
      list(columns).map((c) => `let sum${r}_${c} = total${r}_${Math.floor(c / VECTOR)}[${c % VECTOR}];`),
    ),
    ...storeSums(problem, tile, batch.values, io, scratch),
  ];
  const declarations = [a, b].map(
    ({ name, extent, depth }) => `var<workgroup> ${name}_tile: array<vec4<f32>, ${depth * fours(extent)}>;\n`,
  );
  return kernelText(tile, io.declarations, declarations.join(""), [], body);
}

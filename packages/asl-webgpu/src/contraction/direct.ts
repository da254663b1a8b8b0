import type { ContractionIO, ScratchIO } from "./io.js";
import { type Axis, extentOf, type GemmProblem, type Operand } from "./problem.js";
import type { Tile } from "./tuning.js";
import { digits, indent, linear } from "./wgsl.js";

/** What a kernel stores and where: the output, or partial sums of part `split`. */
export interface Target {
  store(position: { readonly output: string; readonly flat: string }, value: string): string;
}

/** Tiles along columns, along rows, and batches times splits. */
export function tileCounts(problem: GemmProblem, tile: Tile): readonly [number, number, number] {
  return [
    Math.ceil(extentOf(problem.n) / (tile.threads[0] * tile.columns)),
    Math.ceil(extentOf(problem.m) / (tile.threads[1] * tile.rows)),
    extentOf(problem.batch) * tile.splits,
  ];
}

/** Terms that one split adds: the axis that is cut and how many of its steps each part takes. */
export function splitAxis(
  problem: GemmProblem,
  splits: number,
): { readonly axis: Axis; readonly step: number } | undefined {
  const axis = loopOrder(problem)[0];
  if (splits === 1 || axis === undefined) return undefined;
  return { axis, step: Math.ceil(axis.extent / splits) };
}

/** Axes of the terms, those that move windows outermost, so that what they cost is paid once for all inner terms. */
function loopOrder({ a, b, k }: GemmProblem): Axis[] {
  return [
    ...k.filter(({ name }) => moves(a, name) || moves(b, name)),
    ...k.filter(({ name }) => !moves(a, name) && !moves(b, name)),
  ];
}

const moves = (operand: Operand, axis: string) => operand.windows.some(({ factors }) => axis in factors);

/**
 * Each invocation adds the products of `rows` x `columns` elements in registers and reads its operands straight from
 * their buffers.
 */
export function directKernel(
  problem: GemmProblem,
  tile: Tile,
  io: ContractionIO,
  scratch: ScratchIO,
  workgroupId: string,
): string {
  const { m, n, a, b, batch } = problem;
  const [rows, columns] = [extentOf(m), extentOf(n)];
  const split = splitAxis(problem, tile.splits);
  const rowNames = Array.from({ length: tile.rows }, (_, r) => `m${r}`);
  const columnNames = Array.from({ length: tile.columns }, (_, c) => `n${c}`);
  const batches = digits(batch, "batch", "batch");
  const rowDigits = rowNames.map((name) => digits(m, `min(${name}, ${rows - 1}u)`, name));
  const columnDigits = columnNames.map((name) => digits(n, `min(${name}, ${columns - 1}u)`, name));
  const at = (r: number, c: number) => ({ ...batches.values, ...rowDigits[r]!.values, ...columnDigits[c]!.values });

  const loops = loopOrder(problem);
  const operandA = rowNames.map((name, r) =>
    lane(a, loops, `a_${name}`, { ...batches.values, ...rowDigits[r]!.values }),
  );
  const operandB = columnNames.map((name, c) =>
    lane(b, loops, `b_${name}`, { ...batches.values, ...columnDigits[c]!.values }),
  );
  const lanes = [...operandA, ...operandB];
  const windowed = loops.filter(({ name }) => moves(a, name) || moves(b, name));
  const plain = loops.slice(windowed.length);

  const sums = rowNames.flatMap((_, r) => columnNames.map((_, c) => `sum_${r}_${c}`));
  const products = [
    ...lanes.map(({ name, load }) => `let ${name} = ${load(io)};`),
    ...rowNames.flatMap((row, r) =>
      columnNames.map((column, c) => `sum_${r}_${c} += ${`a_${row}`} * ${`b_${column}`};`),
    ),
  ].join("\n");
  const loop = (axes: readonly Axis[], body: string) =>
    [...axes].reverse().reduce((inner, axis) => {
      const isSplit = split?.axis.name === axis.name;
      const [from, to] = isSplit ? ["first", "end"] : ["0", `${axis.extent}`];
      return `for (var ${axis.name} = ${from}; ${axis.name} < ${to}; ${axis.name}++) {\n${indent(inner)}\n}`;
    }, body);
  const terms = loop(windowed, [...lanes.flatMap(({ placed }) => placed), loop(plain, products)].join("\n"));

  const position = (r: number, c: number) => ({
    output: `u32(${linear(0, problem.output, at(r, c))})`,
    flat: `((workgroup.z * ${rows}u + ${rowNames[r]}) * ${columns}u + ${columnNames[c]})`,
  });
  const target = tile.splits === 1 ? io.store : scratch.store;
  const stores = rowNames.map((row, r) => {
    const ofRow = columnNames.map((column, c) => {
      const { output, flat } = position(r, c);
      return `if (${column} < ${columns}u) {\n${indent(target(tile.splits === 1 ? output : flat, `sum_${r}_${c}`))}\n}`;
    });
    return `if (${row} < ${rows}u) {\n${indent(ofRow.join("\n"))}\n}`;
  });

  const body = [
    workgroupId,
    `let batch = workgroup.z${tile.splits === 1 ? "" : ` / ${tile.splits}u`};`,
    ...batches.code,
    ...(split
      ? [
          `let first = i32(workgroup.z % ${tile.splits}u) * ${split.step};`,
          `let end = min(first + ${split.step}, ${split.axis.extent});`,
        ]
      : []),
    ...rowNames.map(
      (name, r) => `let ${name} = workgroup.y * ${tile.threads[1] * tile.rows}u + local.y * ${tile.rows}u + ${r}u;`,
    ),
    ...columnNames.map(
      (name, c) =>
        `let ${name} = workgroup.x * ${tile.threads[0] * tile.columns}u + local.x + ${c * tile.threads[0]}u;`,
    ),
    ...[...rowDigits, ...columnDigits].flatMap(({ code }) => code),
    ...lanes.flatMap(({ fixed }) => fixed),
    ...sums.map((sum) => `var ${sum} = 0.0;`),
    terms,
    ...sums.map((sum) => positiveZero(sum)),
    ...stores,
  ].join("\n");
  return `${io.declarations}
@compute @workgroup_size(${tile.threads[0]}, ${tile.threads[1]})
fn main(@builtin(workgroup_id) workgroup_id: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
${indent(body)}
}
`;
}

/** 0 + -0 is 0, but compilers leave the addition out where they know that the sum starts at 0. */
const positiveZero = (sum: string) => `${sum} = select(${sum}, 0.0, ${sum} == 0.0);`;

/** One row of A or column of B of an invocation: what is fixed, what changes with the windows, and the load itself. */
function lane(operand: Operand, loops: readonly Axis[], name: string, values: Readonly<Record<string, string>>) {
  const { strides, windows, source } = operand;
  const terms = Object.fromEntries(loops.map((axis) => [axis.name, axis.name]));
  const fixed = [
    `let ${name}_fixed = ${linear(0, strides, values)};`,
    ...windows.map(({ offset, factors }, w) => `let ${name}_fixed${w} = ${linear(offset, factors, values)};`),
  ];
  const placed = windows.flatMap(({ factors, divisor, extent }, w) => {
    const coordinate = `${name}_at${w}`;
    const sum = `${name}_fixed${w} + ${linear(0, factors, terms)}`;
    if (divisor === 1) return [`let ${coordinate} = ${sum};`, `let ${name}_in${w} = u32(${coordinate}) < ${extent}u;`];
    return [
      `let ${name}_step${w} = ${sum};`,
      `let ${coordinate} = ${name}_step${w} / ${divisor};`,
      `let ${name}_in${w} = ${name}_step${w} >= 0 && ${name}_step${w} % ${divisor} == 0 && ${coordinate} < ${extent};`,
    ];
  });
  if (windows.length > 0) {
    const sum = [`${name}_fixed`, ...windows.map(({ stride }, w) => `${name}_at${w} * ${stride}`)].join(" + ");
    placed.push(
      `let ${name}_inside = ${windows.map((_, w) => `${name}_in${w}`).join(" && ")};`,
      `let ${name}_placed = select(0, ${sum}, ${name}_inside);`,
    );
  }
  const start = windows.length > 0 ? `${name}_placed` : `${name}_fixed`;
  const load = (io: ContractionIO) => {
    const element = io.load(source, `u32(${start} + ${linear(0, strides, terms)})`);
    return windows.length > 0 ? `select(0.0, ${element}, ${name}_inside)` : element;
  };
  return { name, fixed, placed, load };
}

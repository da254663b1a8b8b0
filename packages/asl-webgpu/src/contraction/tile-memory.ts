import type { ContractionIO } from "./io.js";
import { type Axis, extentOf, type Operand } from "./problem.js";
import { VECTOR } from "./tuning.js";
import { digits, indent, linear } from "./wgsl.js";

/** What a workgroup holds of one operand: [depth][extent / 4] vectors of four neighbours along its rows or columns. */
export interface TileMemory {
  readonly name: "a" | "b";
  readonly operand: Operand;
  /** The rows of A or columns of B. */
  readonly own: readonly Axis[];
  readonly terms: readonly Axis[];
  /** Rows or columns of the workgroup, a multiple of 4. */
  readonly extent: number;
  /** u32 expression of the first of them. */
  readonly origin: string;
  /** Terms held at a time, a multiple of 4. */
  readonly depth: number;
  readonly invocations: number;
}

interface Place {
  /** i32 digits of the batch's axes. */
  readonly batch: Readonly<Record<string, string>>;
  /** u32 expression behind the last term. */
  readonly end: string;
  readonly io: ContractionIO;
}

/**
 * Statements by which all invocations together fill the memory with the terms from `first` on; zeros behind the last.
 * Where four terms, or four rows or columns, lie side by side in a buffer, they are read as one vector.
 */
export function fillTile(memory: TileMemory, place: Place): string[] {
  const { extent, depth, invocations } = memory;
  const side = sideBySide(memory);
  const isByTerms = side === "terms" && vectorAt(memory, place, "0u") !== undefined;
  const isByOwn = side === "own" && vectorAt(memory, place, "0u") !== undefined;
  const units = (extent / VECTOR) * (isByTerms ? depth / VECTOR : depth);
  const body = isByTerms ? termVectors(memory, place) : ownVectors(memory, place, isByOwn);
  return [
    `for (var unit = invocation; unit < ${units}u; unit += ${invocations}u) {`,
    ...body.map((line) => indent(line)),
    "}",
  ];
}

/** One vector of four rows or columns at one term. */
function ownVectors(memory: TileMemory, place: Place, isVector: boolean): string[] {
  const { name, own, origin, extent } = memory;
  const fours = extent / VECTOR;
  const last = extentOf(own) - 1;
  const at = `${origin} + unit % ${fours}u * ${VECTOR}u`;
  const term = digits(memory.terms, `min(first + unit / ${fours}u, ${Math.max(extentOf(memory.terms) - 1, 0)}u)`, "t");
  const isTerm = `first + unit / ${fours}u < ${place.end}`;
  const code = [...term.code];
  if (isVector) {
    const from = digits(own, `min(${at}, ${last - VECTOR + 1}u)`, "o");
    code.push(...from.code);
    const index = `u32(${address(memory, { ...place.batch, ...term.values, ...from.values })})`;
    code.push(`${name}_tile[unit] = select(vec4<f32>(), ${vectorAt(memory, place, index)}, ${isTerm});`);
    return code;
  }
  const elements = Array.from({ length: VECTOR }, (_, j) => {
    const from = digits(own, `min(${at} + ${j}u, ${last}u)`, `o${j}`);
    const { statements, load } = element(memory, place, { ...term.values, ...from.values }, `element${j}`);
    code.push(...from.code, ...statements);
    return load;
  });
  code.push(`${name}_tile[unit] = select(vec4<f32>(), vec4<f32>(${elements.join(", ")}), ${isTerm});`);
  return code;
}

/** Four vectors of four terms each, turned into four of rows or columns. */
function termVectors(memory: TileMemory, place: Place): string[] {
  const { name, own, origin, extent, depth } = memory;
  const fours = extent / VECTOR;
  const last = extentOf(own) - 1;
  const across = depth / VECTOR;
  // neighbouring invocations read neighbouring terms
  const term = digits(memory.terms, `min(start, ${extentOf(memory.terms) - VECTOR}u)`, "t");
  const code = [`let four = unit / ${across}u;`, `let start = first + unit % ${across}u * ${VECTOR}u;`, ...term.code];
  for (let j = 0; j < VECTOR; j++) {
    const row = digits(own, `min(${origin} + four * ${VECTOR}u + ${j}u, ${last}u)`, `o${j}`);
    const index = `u32(${address(memory, { ...place.batch, ...term.values, ...row.values })})`;
    code.push(
      ...row.code,
      `let vector${j} = select(vec4<f32>(), ${vectorAt(memory, place, index)}, start < ${place.end});`,
    );
  }
  for (let j = 0; j < VECTOR; j++) {
    const element = Array.from({ length: VECTOR }, (_, i) => `vector${i}[${j}]`).join(", ");
    code.push(`${name}_tile[(unit % ${across}u * ${VECTOR}u + ${j}u) * ${fours}u + four] = vec4<f32>(${element});`);
  }
  return code;
}

const address = ({ operand: { strides, offset = 0 } }: TileMemory, values: Readonly<Record<string, string>>) =>
  linear(offset, strides, values);

/** One element, 0 where a window is left. */
function element(
  memory: TileMemory,
  { batch, io }: Place,
  digitsOf: Readonly<Record<string, string>>,
  name: string,
): { readonly statements: string[]; readonly load: string } {
  const { windows, source } = memory.operand;
  const values = { ...batch, ...digitsOf };
  const own = address(memory, values);
  if (windows.length === 0) return { statements: [], load: io.load(source, `u32(${own})`) };
  const statements = windows.flatMap(({ factors, offset, divisor, extent }, w) => {
    const sum = linear(offset, factors, values);
    if (divisor === 1)
      return [`let ${name}_at${w} = ${sum};`, `let ${name}_in${w} = u32(${name}_at${w}) < ${extent}u;`];
    return [
      `let ${name}_sum${w} = ${sum};`,
      `let ${name}_at${w} = ${name}_sum${w} / ${divisor};`,
      `let ${name}_in${w} = ${name}_sum${w} >= 0 && ${name}_sum${w} % ${divisor} == 0 && ${name}_at${w} < ${extent};`,
    ];
  });
  const place = [own, ...windows.map(({ stride }, w) => `${name}_at${w} * ${stride}`)].join(" + ");
  statements.push(`let ${name}_inside = ${windows.map((_, w) => `${name}_in${w}`).join(" && ")};`);
  const load = io.load(source, `u32(select(0, ${place}, ${name}_inside))`);
  return { statements, load: `select(0.0, ${load}, ${name}_inside)` };
}

const vectorAt = ({ operand }: TileMemory, { io }: Place, index: string) => io.loadVec4?.(operand.source, index);

/** Along which of its indices an operand's elements lie side by side, in whole vectors from multiples of 4 on. */
function sideBySide({ operand, own, terms }: TileMemory): "terms" | "own" | undefined {
  const { strides, offset = 0, windows } = operand;
  if (windows.length > 0 || offset % VECTOR !== 0) return undefined;
  if (isRow(terms, strides) && onlyOthersInFours(strides, terms)) return "terms";
  return isRow(own, strides) && onlyOthersInFours(strides, own) ? "own" : undefined;
}

/** Whether the number of these axes is the element's number, in fours. */
function isRow(axes: readonly Axis[], strides: Readonly<Record<string, number>>): boolean {
  let compact = 1;
  for (const { name, extent } of [...axes].reverse()) {
    if ((strides[name] ?? 0) !== compact) return false;
    compact *= extent;
  }
  return compact > 1 && compact % VECTOR === 0;
}

function onlyOthersInFours(strides: Readonly<Record<string, number>>, axes: readonly Axis[]): boolean {
  const along = new Set(axes.map(({ name }) => name));
  return Object.entries(strides).every(([name, stride]) => along.has(name) || stride % VECTOR === 0);
}

import type { ContractionIO } from "./io.js";
import type { Axis, Operand } from "./problem.js";
import { linear } from "./wgsl.js";

/** One row of A or one column of B of an invocation, in the three places where its address is made. */
export interface Lane {
  /** Before the loops. */
  readonly fixed: readonly string[];
  /** Where the axes that move windows are known: whether the element lies inside, and its place. */
  readonly placed: readonly string[];
  /** f32 expression in the innermost loop, where the operand's `step` is known. */
  readonly load: string;
}

/** `values` names the i32 digits of the batch's and the lane's own axes, `step` the sum of the terms' strides. */
export function lane(
  { strides, windows, source, offset = 0 }: Operand,
  terms: readonly Axis[],
  {
    name,
    step,
    values,
    io,
  }: {
    readonly name: string;
    readonly step: string;
    readonly values: Readonly<Record<string, string>>;
    readonly io: ContractionIO;
  },
): Lane {
  const moved = Object.fromEntries(terms.map((axis) => [axis.name, axis.name]));
  const fixed = [
    `let ${name}_fixed = ${linear(offset, strides, values)};`,
    ...windows.map((window, w) => `let ${name}_fixed${w} = ${linear(window.offset, window.factors, values)};`),
  ];
  if (windows.length === 0) return { fixed, placed: [], load: io.load(source, `u32(${name}_fixed + ${step})`) };
  const placed = windows.flatMap(({ factors, divisor, extent }, w) => {
    const at = `${name}_at${w}`;
    const sum = `${name}_fixed${w} + ${linear(0, factors, moved)}`;
    if (divisor === 1) return [`let ${at} = ${sum};`, `let ${name}_in${w} = u32(${at}) < ${extent}u;`];
    return [
      `let ${name}_sum${w} = ${sum};`,
      `let ${at} = ${name}_sum${w} / ${divisor};`,
      `let ${name}_in${w} = ${name}_sum${w} >= 0 && ${name}_sum${w} % ${divisor} == 0 && ${at} < ${extent};`,
    ];
  });
  const place = [`${name}_fixed`, ...windows.map(({ stride }, w) => `${name}_at${w} * ${stride}`)].join(" + ");
  placed.push(
    `let ${name}_inside = ${windows.map((_, w) => `${name}_in${w}`).join(" && ")};`,
    `let ${name}_placed = select(0, ${place}, ${name}_inside);`,
  );
  const element = io.load(source, `u32(${name}_placed + ${step})`);
  return { fixed, placed, load: `select(0.0, ${element}, ${name}_inside)` };
}

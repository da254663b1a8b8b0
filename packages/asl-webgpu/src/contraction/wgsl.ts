import type { Axis } from "./problem.js";

/** WGSL i32 expression of constant + sum factor * value; terms that vanish are left out. */
export function linear(
  constant: number,
  factors: Readonly<Record<string, number>>,
  values: Readonly<Record<string, string>>,
): string {
  const terms = Object.entries(factors).flatMap(([axis, factor]) => {
    const value = values[axis];
    if (value === undefined || factor === 0) return [];
    return factor === 1 ? [value] : [`${value} * ${factor}`];
  });
  if (constant !== 0 || terms.length === 0) terms.push(`${constant}`);
  return terms.join(" + ");
}

/** Statements that take the row-major number `index` (u32) apart; `values` names the i32 digit of each axis. */
export function digits(
  axes: readonly Axis[],
  index: string,
  prefix: string,
): { readonly code: string[]; readonly values: Record<string, string> } {
  const code: string[] = [];
  const values: Record<string, string> = {};
  let divisor = 1;
  for (const [position, { name, extent }] of [...axes.entries()].reverse()) {
    const quotient = divisor === 1 ? index : `(${index}) / ${divisor}u`;
    const isOutermost = position === 0;
    values[name] = `${prefix}_${name}`;
    code.push(`let ${prefix}_${name} = i32(${isOutermost ? quotient : `(${quotient}) % ${extent}u`});`);
    divisor *= extent;
  }
  return { code, values };
}

export const indent = (text: string, by = "  "): string =>
  text
    .split("\n")
    .map((line) => (line === "" ? line : by + line))
    .join("\n");

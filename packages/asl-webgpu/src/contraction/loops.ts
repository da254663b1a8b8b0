import { type Axis, type GemmProblem, type Operand, type Window, withPlainWindows } from "./problem.js";
import { indent, linear } from "./wgsl.js";

/** The loops over the terms of one kernel and their bounds. */
export interface TermLoops {
  readonly problem: GemmProblem;
  /** Axes that move windows: outermost, so that what they cost is paid once for all inner terms. */
  readonly windowed: readonly Axis[];
  readonly plain: readonly Axis[];
  /** Statements that define the bounds; they need the digits of the batch, and `split` when there are several. */
  readonly code: readonly string[];
  loop(axes: readonly Axis[], body: string): string;
}

/** The axis whose steps the splits share, and how many each takes; undefined when there is nothing to share. */
export function splitAxis(
  { k }: GemmProblem,
  splits: number,
): { readonly axis: Axis; readonly step: number } | undefined {
  const [longest] = [...k].sort((left, right) => right.extent - left.extent);
  if (splits === 1 || longest === undefined) return undefined;
  return { axis: longest, step: Math.ceil(longest.extent / splits) };
}

/** `batch` names the i32 digits of the batch's axes. */
export function termLoops(original: GemmProblem, splits: number, batch: Readonly<Record<string, string>>): TermLoops {
  const bounded = boundedWindows(original);
  const withoutBounded = (operand: Operand) => withPlainWindows(operand, (window) => bounded.has(window));
  const problem = { ...original, a: withoutBounded(original.a), b: withoutBounded(original.b) };
  const { a, b, k } = problem;
  const moves = ({ name }: Axis) => [...a.windows, ...b.windows].some(({ factors }) => name in factors);
  const split = splitAxis(problem, splits);
  const code: string[] = [];
  const bounds = new Map<string, readonly [string, string]>();
  for (const axis of k) {
    const lower: string[] = [];
    const upper: string[] = [];
    if (split?.axis.name === axis.name) {
      code.push(`let part = split * ${split.step};`);
      lower.push("part");
      upper.push(`min(part + ${split.step}, ${axis.extent})`);
    }
    for (const [{ offset, extent, factors }, { name }] of bounded) {
      if (name !== axis.name) continue;
      // 0 <= start + factor * step < extent
      const factor = factors[name]!;
      const start = linear(offset, factors, batch);
      lower.push(`max(0, (${factor - 1} - (${start})) / ${factor})`);
      upper.push(`min(${axis.extent}, (${extent + factor - 1} - (${start})) / ${factor})`);
    }
    if (lower.length === 0) continue;
    code.push(`let ${axis.name}_first = ${nested("max", lower)};`, `let ${axis.name}_end = ${nested("min", upper)};`);
    bounds.set(axis.name, [`${axis.name}_first`, `${axis.name}_end`]);
  }
  return {
    problem,
    windowed: k.filter(moves),
    plain: k.filter((axis) => !moves(axis)),
    code,
    loop: (axes, body) =>
      [...axes].reverse().reduce((inner, { name, extent }) => {
        const [from, to] = bounds.get(name) ?? ["0", `${extent}`];
        return `for (var ${name} = ${from}; ${name} < ${to}; ${name}++) {\n${indent(inner)}\n}`;
      }, body),
  };
}

const nested = (name: "min" | "max", values: readonly string[]) =>
  values.reduce((left, right) => `${name}(${left}, ${right})`);

/**
 * Windows along one term axis whose other axes are the batch's: all elements of a product enter and leave them together,
 * so the loop is shortened instead of every element checked.
 */
function boundedWindows({ a, b, m, n, k }: GemmProblem): ReadonlyMap<Window, Axis> {
  const elements = new Set([...m, ...n].map(({ name }) => name));
  const terms = new Map(k.map((axis) => [axis.name, axis]));
  const bounded = new Map<Window, Axis>();
  for (const window of [...a.windows, ...b.windows]) {
    const names = Object.keys(window.factors);
    const moving = names.filter((name) => terms.has(name));
    if (names.some((name) => elements.has(name)) || moving.length !== 1) continue;
    if (window.divisor !== 1 || window.factors[moving[0]!]! < 1) continue;
    bounded.set(window, terms.get(moving[0]!)!);
  }
  return bounded;
}

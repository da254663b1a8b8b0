import { type AnyNode, type Node, type Shape, sizeOf, type ValueId } from "asl-core";
import { loweringOf, type Reduces } from "../lower/table.js";
import { Body } from "../wgsl/body.js";
import type { FunctionName } from "../wgsl/functions.js";
import { coordinatesOf } from "../wgsl/position.js";
import { Bindings } from "./bindings.js";
import type { KernelText } from "./elementwise.js";
import type { Dispatch } from "./kernel.js";
import { ENTRY_ARGUMENTS, functionText, gridOf, INVOCATIONS, moduleText, workgroupNumber } from "./module.js";
import { giveResult, storeAll } from "./store.js";
import { type KernelContext, ValueReader } from "./value-reader.js";

export type ReductionNode = { readonly [K in Reduces]: Node<K> }[Reduces];

type Limits = Pick<GPUSupportedLimits, "maxComputeWorkgroupsPerDimension">;

/** Terms up to which one invocation adds them all. */
const SERIAL_TERMS = 64;
/** Invocations that add the terms of one result together. */
const TREE = 256;
/** Terms that a workgroup adds before the work is split over several. */
const MOST_TERMS = 1 << 14;
const FEW_RESULTS = 256;

/** How a reduction is cut: `parts` of the terms, each of `step`. */
interface Cut {
  readonly invocations: number;
  readonly parts: number;
  readonly step: number;
}

function cutOf(results: number, terms: number): Cut {
  const isSerial = terms <= SERIAL_TERMS || (results >= 1 << 14 && terms <= 1 << 10);
  if (isSerial) return { invocations: 1, parts: 1, step: terms };
  if (results >= FEW_RESULTS || terms <= MOST_TERMS) return { invocations: TREE, parts: 1, step: terms };
  const parts = Math.min(Math.ceil(terms / (MOST_TERMS / 4)), TREE);
  return { invocations: TREE, parts, step: Math.ceil(terms / parts) };
}

/**
 * Sums or maxima over the axes of one value, whose elements are computed as they are read, and what follows on the
 * results. The order of the terms depends on the shape alone: a tree of partial sums in workgroup memory, and a second
 * one over partial sums where the results are few and their terms many.
 */
export function reductionKernel(
  node: ReductionNode,
  stores: readonly ValueId[],
  context: KernelContext,
  limits: Limits,
): KernelText {
  const source = node.inputs[0]!;
  const { shape } = context.types[source]!;
  const { axes } = node.attrs;
  const results = context.types[node.output]!.shape;
  const extents = axes.map((axis) => shape[axis]!);
  const terms = sizeOf(extents);
  const cut = cutOf(sizeOf(results), terms);

  const bindings = new Bindings(context);
  const functions = new Set<string>();
  const term = new Body(functions);
  const termReader = new ValueReader(context, bindings, term);
  const coordinates = termCoordinates(shape, axes, results, extents).map((expression) =>
    term.once(expression, () => expression),
  );
  term.line(`return ${termReader.read(source, { shape, coordinates })};`);

  const store = new Body(functions);
  const storeReader = new ValueReader(context, bindings, store);
  giveResult(node.output, "o", context, { reader: storeReader, body: store });
  storeAll(stores, "o", context, { reader: storeReader, bindings, body: store });

  const scratch = cut.parts === 1 ? undefined : bindings.scratch();
  const termText = functionText("term(o: u32, r: u32) -> f32", term.text);
  const storeText = functionText("store(o: u32, value: f32)", store.text);
  const { start, combine } = loweringOf(node.op);
  const call = (name: FunctionName, ...args: readonly string[]) => term.call(name, ...args);
  const reduce: Reduce = { start: start(), combine: (a, b) => combine(a, b, call) };
  // the text of combine() decides which functions are needed, so it comes before the modules are put together
  const dispatch = (main: MainText): Dispatch => ({
    wgsl: moduleText(bindings, functions, ...main.functions, main.text),
    workgroups: main.grid,
  });
  const size = sizeOf(results);
  const whole = { scratchElements: 0, flops: size * terms };
  if (scratch === undefined) {
    const main = mainText({ size, terms, cut, limits, reduce, finish: (o, value) => `store(${o}, ${value});` });
    const text = dispatch({ ...main, functions: [termText, storeText] });
    return { bindings: bindings.list, dispatches: [text], ...whole };
  }
  const partial = mainText({
    size: size * cut.parts,
    terms,
    cut,
    limits,
    reduce,
    finish: (o, value) => `${scratch}[${o}] = ${value};`,
  });
  const rest = mainText({
    size,
    terms: cut.parts,
    cut: { invocations: TREE, parts: 1, step: cut.parts },
    limits,
    reduce,
    finish: (o, value) => `store(${o}, ${value});`,
  });
  const partText = functionText("term(o: u32, r: u32) -> f32", `  return ${scratch}[o * ${cut.parts}u + r];`);
  return {
    bindings: bindings.list,
    dispatches: [
      dispatch({ ...partial, functions: [termText] }),
      dispatch({ ...rest, functions: [partText, storeText] }),
    ],
    ...whole,
    scratchElements: size * cut.parts,
  };
}

/** Coordinates of the input from the numbers of a result and of a term, `o` and `r`. */
function termCoordinates(shape: Shape, axes: readonly number[], results: Shape, extents: Shape): string[] {
  const fromResult = coordinatesOf(results, "o");
  const fromTerm = coordinatesOf(extents, "r");
  return shape.map((_, axis) => {
    const reduced = axes.indexOf(axis);
    if (reduced !== -1) return fromTerm[reduced]!;
    return fromResult[axis - axes.filter((each) => each < axis).length]!;
  });
}

interface Reduce {
  readonly start: string;
  combine(a: string, b: string): string;
}

interface MainText {
  readonly text: string;
  readonly grid: readonly [number, number, number];
  readonly functions: readonly string[];
}

interface Main {
  /** Results times parts. */
  readonly size: number;
  readonly terms: number;
  readonly cut: Cut;
  readonly limits: Limits;
  readonly reduce: Reduce;
  finish(o: string, value: string): string;
}

function mainText({ size, terms, cut, limits, reduce, finish }: Main): Omit<MainText, "functions"> {
  const most = limits.maxComputeWorkgroupsPerDimension;
  if (cut.invocations === 1) {
    const grid = gridOf(Math.ceil(size / INVOCATIONS), most);
    const text = `@compute @workgroup_size(${INVOCATIONS})
fn main(${ENTRY_ARGUMENTS}) {
  let o = ${workgroupNumber(grid)} * ${INVOCATIONS}u + local;
  if (o >= ${size}u) { return; }
  var value = ${reduce.start};
  for (var r = 0u; r < ${terms}u; r++) {
    value = ${reduce.combine("value", "term(o, r)")};
  }
  ${finish("o", "value")}
}`;
    return { text, grid };
  }
  const grid = gridOf(size, most);
  const part = cut.parts === 1 ? "0u" : `o % ${cut.parts}u`;
  const result = cut.parts === 1 ? "o" : `o / ${cut.parts}u`;
  const text = `var<workgroup> partial: array<f32, ${cut.invocations}>;

@compute @workgroup_size(${cut.invocations})
fn main(${ENTRY_ARGUMENTS}) {
  let o = ${workgroupNumber(grid)};
  if (o >= ${size}u) { return; }
  let first = ${part === "0u" ? "0u" : `(${part}) * ${cut.step}u`};
  let end = min(first + ${cut.step}u, ${terms}u);
  var value = ${reduce.start};
  for (var r = first + local; r < end; r += ${cut.invocations}u) {
    value = ${reduce.combine("value", `term(${result}, r)`)};
  }
  partial[local] = value;
  for (var half = ${cut.invocations / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) { partial[local] = ${reduce.combine("partial[local]", "partial[local + half]")}; }
  }
  if (local == 0u) { ${finish("o", "partial[0]")} }
}`;
  return { text, grid };
}

/** Whether a node reduces. */
export const isReduction = (node: AnyNode): node is AnyNode & ReductionNode => loweringOf(node.op).kind === "reduction";

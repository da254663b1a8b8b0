import type { ValueId } from "../graph/graph.js";
import { madeBy, type Rewriting, type Rule, type Rules } from "./rewriting.js";
import { MOVEMENT_RULES } from "./simplify-movement.js";

const isFilledWith = ({ splats }: Rewriting, id: ValueId, element: number) => Object.is(splats.elementOf(id), element);

/** f(f(x)) = f(x). */
const idempotent =
  (op: "abs" | "floor"): Rule<typeof op> =>
  (rewriting, [x]) =>
    madeBy(rewriting, x!, op)?.output;

/** f(x, x) = x. */
const ofEqualArguments: Rule<"max" | "min"> = (_, [a, b]) => (a === b ? a : undefined);

/** Rewrites that keep every bit, by op. `x + 0` is missing on purpose: it turns -0 into 0. */
export const RULES: Rules = {
  ...MOVEMENT_RULES,
  // -(-x) = x
  neg: (rewriting, [x]) => madeBy(rewriting, x!, "neg")?.inputs[0],
  // | |x| | = |x|,  |-x| = |x|
  abs(rewriting, inputs, attrs, scope) {
    const negated = madeBy(rewriting, inputs[0]!, "neg");
    if (negated !== undefined) return rewriting.apply("abs", negated.inputs, attrs, scope);
    return idempotent("abs")(rewriting, inputs, attrs, scope);
  },
  floor: idempotent("floor"),
  // x + (-0) = x, also for x = 0 and x = -0
  add: (rewriting, [a, b]) => (isFilledWith(rewriting, b!, -0) ? a : isFilledWith(rewriting, a!, -0) ? b : undefined),
  // x - 0 = x
  sub: (rewriting, [a, b]) => (isFilledWith(rewriting, b!, 0) ? a : undefined),
  // 1 x = x
  mul: (rewriting, [a, b]) => (isFilledWith(rewriting, b!, 1) ? a : isFilledWith(rewriting, a!, 1) ? b : undefined),
  // x / 1 = x
  div: (rewriting, [a, b]) => (isFilledWith(rewriting, b!, 1) ? a : undefined),
  max: ofEqualArguments,
  min: ofEqualArguments,
  // c ? x : x = x,  true ? a : b = a,  false ? a : b = b
  select(rewriting, [condition, a, b]) {
    if (a === b || isFilledWith(rewriting, condition!, 1)) return a;
    return isFilledWith(rewriting, condition!, 0) ? b : undefined;
  },
  // A cast to the dtype there is; and truth values go through i32 and f32 as 0 and 1
  cast(rewriting, [x], { to }, scope) {
    if (rewriting.writer.typeOf(x!).dtype === to) return x;
    const inner = madeBy(rewriting, x!, "cast");
    const source = inner?.inputs[0];
    if (source === undefined || rewriting.writer.typeOf(source).dtype !== "bool") return undefined;
    return rewriting.apply("cast", [source], { to }, scope);
  },
  // Only gradients see it
  stopGradient: (_, [x]) => x,
};

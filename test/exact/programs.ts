import {
  type AsymmetricLossOptions,
  Builder,
  type exactAsymmetricLoss,
  exactAsymmetricLossOptimized,
  exactExp,
  exactLog,
  exactLogSigmoid,
  exactReciprocal,
  exactSigmoidPair,
  exactSum,
  type Graph,
  grad,
  type Tensors,
  type Value,
} from "asl-core";
import { hard, logits, positives, SHAPE, soft } from "./inputs.js";

export interface ExactProgram {
  readonly name: string;
  readonly graph: Graph;
  readonly feeds: () => Tensors;
}

function unary(name: string, feeds: () => Tensors, body: (x: Value) => Record<string, Value>): ExactProgram {
  const builder = new Builder();
  return { name, graph: builder.finish(body(builder.input("x", { dtype: "f32", shape: SHAPE }))), feeds };
}

/** Elements, their sum, and the gradient of the sum. */
export function lossGraph(
  options: AsymmetricLossOptions,
  loss: typeof exactAsymmetricLoss = exactAsymmetricLossOptimized,
  shape: readonly number[] = SHAPE,
): Graph {
  const builder = new Builder();
  const x = builder.input("x", { dtype: "f32", shape });
  const y = builder.input("y", { dtype: "f32", shape });
  const elements = loss(x, y, { ...options, reduction: "none" });
  const sum = loss(x, y, options);
  const [gradient] = grad(sum, [x]);
  return builder.finish({ elements, sum, gradient: gradient! });
}

function loss(name: string, options: AsymmetricLossOptions): ExactProgram {
  return { name, graph: lossGraph(options), feeds: options.targets === "hard" ? hard : soft };
}

/** The eight programs on which backends are compared. */
export const EXACT_PROGRAMS: readonly ExactProgram[] = [
  unary("sigmoid", logits, (x) => ({ ...exactSigmoidPair(x), logP: exactLogSigmoid(x) })),
  unary("exp", logits, (x) => ({ y: exactExp(x) })),
  unary("log", positives, (x) => ({ y: exactLog(x), reciprocal: exactReciprocal(x), sum: exactSum(exactLog(x)) })),
  loss("hard targets, gammas 4 and 1", { targets: "hard", gammaNeg: 4, gammaPos: 1 }),
  loss("hard targets, gammas 4 and 0", { targets: "hard", gammaNeg: 4, gammaPos: 0 }),
  loss("binary cross-entropy", { targets: "hard", gammaNeg: 0, gammaPos: 0, clip: 0 }),
  loss("hard targets, gammas 2.5 and 0.5", { targets: "hard", gammaNeg: 2.5, gammaPos: 0.5, clip: 0.003 }),
  loss("soft targets, gammas 4 and 1", { gammaNeg: 4, gammaPos: 1 }),
];

import { ShapeError } from "../errors/errors.js";
import type { Operand } from "../functions/broadcasting.js";
import { broadcastTo } from "../functions/broadcasting.js";
import {
  add,
  cast,
  div,
  equal,
  less,
  log,
  max,
  min,
  mul,
  neg,
  pow,
  power,
  select,
  sigmoid,
  stopGradient,
  sub,
} from "../functions/elementwise.js";
import type { Value } from "../graph/builder.js";
import { formatType, sameShape } from "../types/tensor.js";
import type { AsymmetricLossOptions } from "./options.js";
import { reduceLoss, resolveTargets } from "./reduction.js";

interface Settings {
  readonly gammaNeg: Operand;
  readonly gammaPos: Operand;
  readonly clip: number;
  readonly epsilon: number;
  readonly detach: boolean;
  readonly hard: boolean;
}

/** The parts of the per-element loss that its gradient needs again. All [batch, classes]. */
interface Elements {
  /** p = sigmoid(x). */
  readonly p: Value;
  /** 1 - p + clip before it is limited to 1. */
  readonly shifted: Value;
  /** q = min(1 - p + clip, 1). */
  readonly q: Value;
  /** y log max(p, eps) + (1 - y) log max(q, eps), at most 0. */
  readonly logLikelihood: Value;
  /** 1 - pt, pt = p y + q (1 - y). */
  readonly distance: Value;
  /** g = gammaPos y + gammaNeg (1 - y); undefined when it is the same number everywhere. */
  readonly weight: Value | undefined;
  readonly loss: Value;
}

/**
 * Multi-label asymmetric loss. logits, targets: [batch, classes]. Scalar loss, summed (see `reduction`).
 * L = -[y log p + (1 - y) log q] (1 - pt)^g with p = sigmoid(x), q = min(1 - p + clip, 1).
 * The gradient is the chain rule's. Defaults gammaNeg 4, gammaPos 1, clip 0.05; the focusing weight is constant in
 * the gradient, as in the official AsymmetricLoss. Ben-Baruch et al. 2021, eq. 7.
 * With the backend's own exp and log: in float64 the truth; for float32 training prefer `exactAsymmetricLoss`, which has
 * the same bits on every backend and does not cancel for clip = 0.
 */
export function asymmetricLoss(logits: Value, targets: Value, options: AsymmetricLossOptions = {}): Value {
  return logits.builder.scope("asymmetricLoss", () => {
    const effective = resolveTargets(logits, checkedTargets(logits, targets), options.unannotated);
    const { loss } = elementsOf(logits, effective.targets, settingsOf(options, true));
    return reduceLoss(loss, effective.counted, options);
  });
}

/**
 * The same values as `asymmetricLoss` with the gradient in closed form: fewer nodes, one log and one power less.
 * By default the gradient passes through the focusing weight, as in the official AsymmetricLossOptimized. It has a
 * gradient for the logits only; targets and gammas that are values get none.
 */
export function asymmetricLossOptimized(logits: Value, targets: Value, options: AsymmetricLossOptions = {}): Value {
  return logits.builder.scope("asymmetricLossOptimized", () => {
    const effective = resolveTargets(logits, checkedTargets(logits, targets), options.unannotated);
    const settings = settingsOf(options, false);
    const elements = elementsOf(logits, effective.targets, settings);
    logits.builder.differentiateAs(elements.loss, [logits], (g) => [
      mul(g, closedFormGradient(effective.targets, elements, settings)),
    ]);
    return reduceLoss(elements.loss, effective.counted, options);
  });
}

/** Focal loss: equal focusing of positives and negatives, no clipping. Lin et al. 2017, eq. 4 without alpha. */
export function focalLoss(
  logits: Value,
  targets: Value,
  { gamma = 2, ...options }: Omit<AsymmetricLossOptions, "gammaNeg" | "gammaPos" | "clip"> & { gamma?: number } = {},
): Value {
  return asymmetricLossOptimized(logits, targets, { ...options, gammaNeg: gamma, gammaPos: gamma, clip: 0 });
}

/** Binary cross-entropy: no focusing, no clipping. */
export function binaryCrossEntropy(
  logits: Value,
  targets: Value,
  options: Omit<AsymmetricLossOptions, "gammaNeg" | "gammaPos" | "clip"> = {},
): Value {
  return asymmetricLossOptimized(logits, targets, { ...options, gammaNeg: 0, gammaPos: 0, clip: 0 });
}

function settingsOf(options: AsymmetricLossOptions, detachByDefault: boolean): Settings {
  return {
    gammaNeg: options.gammaNeg ?? 4,
    gammaPos: options.gammaPos ?? 1,
    clip: options.clip ?? 0.05,
    epsilon: options.epsilon ?? 1e-8,
    detach: options.detachFocusingWeight ?? detachByDefault,
    hard: options.targets === "hard",
  };
}

function checkedTargets(logits: Value, targets: Value): Value {
  if (logits.shape.length !== 2 || !sameShape(logits.shape, targets.shape)) {
    throw new ShapeError(
      "asymmetricLoss",
      `logits and targets must be one [batch, classes]; got logits ${formatType(logits.type)}, targets ${formatType(targets.type)}`,
      logits.builder.currentScope,
    );
  }
  return targets;
}

function elementsOf(x: Value, y: Value, settings: Settings): Elements {
  const { clip, epsilon, detach } = settings;
  const p = sigmoid(x);
  const shifted = add(sub(1, p), clip);
  // max and min send the gradient of a tie to their second argument, so p = eps and q = 1 still learn, as in PyTorch
  const q = min(1, shifted);
  const logOf = (probability: Value) => log(max(epsilon, probability));
  const pt = mix(y, p, q, settings);
  const logLikelihood = settings.hard ? logOf(pt) : mix(y, logOf(p), logOf(q), settings);
  const gap = sub(1, pt);
  // a soft mix of p = q = 1 may round to more than 1, and a negative base has no power
  const distance = settings.hard ? gap : max(0, gap);
  const weight = focusingWeight(y, distance, settings);
  const factor = weight === undefined ? undefined : detach ? stopGradient(weight) : weight;
  const loss = neg(factor === undefined ? logLikelihood : mul(logLikelihood, factor));
  return { p, shifted, q, logLikelihood, distance, weight, loss };
}

/** positive y + negative (1 - y). */
function mix(y: Value, positive: Operand, negative: Operand, { hard }: Pick<Settings, "hard">): Value {
  return hard ? select(less(0.5, y), positive, negative) : add(mul(positive, y), mul(negative, sub(1, y)));
}

/** (1 - pt)^g; undefined for g = 0 everywhere. `lowered` subtracts from the exponent: 1 for the derivative. */
function focusingWeight(y: Value, distance: Value, settings: Settings, lowered = 0): Value | undefined {
  const { gammaNeg, gammaPos, hard } = settings;
  if (typeof gammaNeg === "number" && typeof gammaPos === "number") {
    if (gammaNeg === gammaPos && isExactPower(gammaNeg)) {
      return gammaNeg - lowered === 0 ? undefined : power(distance, gammaNeg - lowered);
    }
    if (hard && isExactPower(gammaNeg) && isExactPower(gammaPos)) {
      // a lowered exponent of -1 belongs to gamma 0, whose derivative has factor 0
      const side = (gamma: number) => power(distance, Math.max(gamma - lowered, 0));
      return select(less(0.5, y), side(gammaPos), side(gammaNeg));
    }
  }
  return safePower(distance, lowered === 0 ? exponentOf(y, settings) : sub(exponentOf(y, settings), lowered));
}

/** Whether `power` multiplies instead of calling pow. */
const isExactPower = (gamma: number) => Number.isInteger(gamma) && gamma >= 0;

/**
 * base^exponent whose derivative is 0 where base = 0. There p = clip exactly, log q = 0, and an exponent below 1 would
 * put 0 * infinity into the gradient.
 */
function safePower(base: Value, exponent: Value): Value {
  const positive = less(0, base);
  return select(positive, pow(select(positive, base, 1), exponent), cast(equal(exponent, 0), "f32"));
}

function exponentOf(y: Value, settings: Settings): Value {
  return broadcastTo(mix(y, settings.gammaPos, settings.gammaNeg, settings), y.shape);
}

/**
 * dL/dx = -(dA W + A dW), with A the log-likelihood, W = (1 - pt)^g and p' = p (1 - p):
 * dA = y (1 - p) [p >= eps] - (1 - y) (p' / q) [1 - p + clip <= 1] [q >= eps]
 * dW = -g (1 - pt)^(g - 1) p' (y - (1 - y) [1 - p + clip <= 1])
 */
function closedFormGradient(y: Value, elements: Elements, settings: Settings): Value {
  const { p, shifted, q, logLikelihood, distance, weight } = elements;
  const { epsilon } = settings;
  const oneMinusP = sub(1, p);
  const slope = mul(p, oneMinusP);
  const unclipped = sub(1, cast(less(1, shifted), "f32"));
  const positive = select(less(p, epsilon), 0, oneMinusP);
  // q >= eps > 0 wherever the quotient is used
  const negative = neg(mul(unclipped, select(less(q, epsilon), 0, div(slope, max(q, epsilon)))));
  const likelihoodGradient = mix(y, positive, negative, settings);
  const first = weight === undefined ? likelihoodGradient : mul(likelihoodGradient, weight);
  if (settings.detach || weight === undefined) return neg(first);

  const ptGradient = mul(slope, mix(y, 1, neg(unclipped), settings));
  const gamma = exponentOf(y, settings);
  const lowered = focusingWeight(y, distance, settings, 1);
  const power1 = lowered === undefined ? gamma : mul(gamma, lowered);
  // where 1 - pt = 0 the slope is 0 too, and (1 - pt)^(g - 1) may be infinite
  const weightGradient = neg(mul(select(less(0, distance), power1, 0), ptGradient));
  return neg(add(first, mul(logLikelihood, weightGradient)));
}

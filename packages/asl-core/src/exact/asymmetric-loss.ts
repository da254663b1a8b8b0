import { InputError, ShapeError } from "../errors/errors.js";
import { broadcastTo, type Operand } from "../functions/broadcasting.js";
import { add, less, max, min, mul, power, select, sub } from "../functions/elementwise.js";
import type { Value } from "../graph/builder.js";
import type { AsymmetricLossOptions } from "../losses/options.js";
import { formatType, sameShape } from "../types/tensor.js";
import { naturalLogarithm } from "./float64.js";
import { logarithmOf, reciprocalOf, reduce } from "./logarithm.js";
import { flushTiny, SMALLEST } from "./portable.js";
import { checkExponent, isWhole, powersOf } from "./power.js";
import { exactReduction, exactTargets } from "./reduction.js";
import { logistic } from "./sigmoid.js";

/**
 * Multi-label asymmetric loss with the same bits on every backend, values and gradient. logits, targets: [batch,
 * classes]. Scalar, summed (see `reduction`). Formula and options are those of `asymmetricLoss`; the sum does not
 * depend on the order of the elements, and nothing cancels for clip = 0. The gradient is in closed form and for the
 * logits only; the focusing weight is constant in it unless `detachFocusingWeight` is false. The default of asl-training.
 * It is as accurate as float32 can be; in float64, too, it is no better than that, and `asymmetricLoss` is the truth.
 *
 * NaN makes the loss NaN where the backend keeps NaN; an infinite logit saturates. So let the backend check the logits
 * (`Program.finite`), as the train program does: the error then names row and class.
 *
 * Throws InputError for a gamma that is negative or not finite, a clip outside [0, 1) and an epsilon outside
 * [2^-100, 1); ShapeError unless logits and targets have one shape [batch, classes].
 */
export function exactAsymmetricLoss(logits: Value, targets: Value, options: AsymmetricLossOptions = {}): Value {
  return lossOf("exactAsymmetricLoss", logits, targets, options, true);
}

/**
 * `exactAsymmetricLoss` with the default of the official AsymmetricLossOptimized: the gradient passes through the
 * focusing weight unless `detachFocusingWeight` is true. For equal options both have the same bits.
 */
export function exactAsymmetricLossOptimized(
  logits: Value,
  targets: Value,
  options: AsymmetricLossOptions = {},
): Value {
  return lossOf("exactAsymmetricLossOptimized", logits, targets, options, false);
}

interface Settings {
  readonly gammaNeg: Operand;
  readonly gammaPos: Operand;
  readonly clip: number;
  readonly epsilon: number;
  readonly detach: boolean;
  readonly hard: boolean;
}

function lossOf(
  name: string,
  logits: Value,
  targets: Value,
  options: AsymmetricLossOptions,
  detachByDefault: boolean,
): Value {
  const { builder } = logits;
  return builder.scope(name, () => {
    if (logits.shape.length !== 2 || !sameShape(logits.shape, targets.shape)) {
      throw new ShapeError(
        name,
        `logits and targets must be one [batch, classes]; got logits ${formatType(logits.type)}, targets ${formatType(targets.type)}`,
        builder.currentScope,
      );
    }
    const settings = settingsOf(name, options, detachByDefault);
    const sides = sidesOf(logits, settings);
    const effective = exactTargets(targets, sides.p, options.unannotated);
    const { loss, gradient } = elementsOf(effective.targets, sides, settings);
    builder.differentiateAs(loss, [logits], (g) => [flushTiny(mul(g, gradient()))]);
    return exactReduction(loss, effective.counted, options);
  });
}

function settingsOf(name: string, options: AsymmetricLossOptions, detachByDefault: boolean): Settings {
  const { gammaNeg = 4, gammaPos = 1, clip = 0.05, epsilon = 1e-8 } = options;
  checkExponent(`${name}: gammaNeg`, gammaNeg);
  checkExponent(`${name}: gammaPos`, gammaPos);
  if (!(clip >= 0 && clip < 1)) throw new InputError(`${name}: clip must be in [0, 1); got ${clip}`);
  if (!(epsilon >= SMALLEST && epsilon < 1)) {
    throw new InputError(`${name}: epsilon must be in [2^-100, 1); got ${epsilon}`);
  }
  const detach = options.detachFocusingWeight ?? detachByDefault;
  return { gammaNeg, gammaPos, clip, epsilon, detach, hard: options.targets === "hard" };
}

/** What the loss needs of a positive or negative target: P is p or q. Derivatives are with respect to the logit. */
interface Side {
  /** ln max(P, epsilon). */
  readonly logarithm: Value;
  /** 1 - P. */
  readonly distance: Value;
  /** d logarithm. */
  readonly slope: Value;
  /** d distance, as a multiple of p (1 - p). */
  readonly distanceSlope: Operand;
}

interface Sides {
  readonly p: Value;
  /** p (1 - p). */
  readonly variance: Value;
  readonly positive: Side;
  readonly negative: Side;
}

/** p = sigmoid(x) and q = min(1 - p + clip, 1), each as if computed from x alone: 1 - p is not taken from p. */
function sidesOf(x: Value, settings: Settings): Sides {
  const { builder } = x;
  const { clip, epsilon } = settings;
  return builder.scope("exact.logistic", () => {
    const { p, oneMinusP, logarithms } = logistic(x);
    const { logP, logOneMinusP } = logarithms();
    const logEpsilon = naturalLogarithm(epsilon);
    const isBelow = less(p, epsilon);
    // d ln p = 1 - p,  d (1 - p) = -p (1 - p)
    const positive: Side = {
      logarithm: select(isBelow, logEpsilon, logP),
      distance: oneMinusP,
      slope: select(isBelow, 0, oneMinusP),
      distanceSlope: -1,
    };
    const variance = mul(p, oneMinusP);
    if (clip > 0) return { p, variance, positive, negative: clippedSide(p, oneMinusP, variance, settings) };
    // q = 1 - p:  d ln q = -p,  d (1 - q) = p (1 - p)
    const isQBelow = less(oneMinusP, epsilon);
    const negative: Side = {
      logarithm: select(isQBelow, logEpsilon, logOneMinusP),
      distance: p,
      slope: select(isQBelow, 0, sub(0, p)),
      distanceSlope: 1,
    };
    return { p, variance, positive, negative };
  });
}

/** The side of negatives for clip > 0: d ln q = -p (1 - p) / q and d (1 - q) = p (1 - p) where p >= clip, else 0. */
function clippedSide(p: Value, oneMinusP: Value, variance: Value, { clip, epsilon }: Settings): Side {
  const distance = max(sub(p, clip), 0);
  const rounded = min(add(oneMinusP, clip), 1);
  // q may round to less than clip; an epsilon above that is a limit of its own
  const from = clip - 2 ** -24;
  const needsLimit = from <= epsilon;
  const q = needsLimit ? max(rounded, epsilon) : rounded;
  const reduced = reduce(q, { from: Math.max(from, epsilon), to: 1 });
  const reciprocal = reduced.restoreReciprocal(reciprocalOf(reduced));
  // For p < 1/2, 1 - q is known better than q. exact: 1 - q, and its difference to the distance next to it
  const rest = select(less(p, 0.5), sub(sub(1, q), distance), 0);
  const { high, low } = logarithmOf(reduced, { value: rest, reciprocal });
  const isClipped = less(p, clip);
  const unlimited = select(isClipped, 0, sub(0, mul(variance, reciprocal)));
  const isQBelow = less(rounded, epsilon);
  return {
    logarithm: needsLimit ? select(isQBelow, naturalLogarithm(epsilon), add(high, low)) : add(high, low),
    distance,
    slope: needsLimit ? select(isQBelow, 0, unlimited) : unlimited,
    distanceSlope: select(isClipped, 0, 1),
  };
}

/**
 * Per element, with A = y ln p + (1 - y) ln q, D = 1 - pt = y (1 - p) + (1 - y) (1 - q), g = gammaPos y + gammaNeg (1 - y):
 *   L = -A D^g,   dL/dx = -(dA D^g + A g D^(g-1) dD); without the second term when the weight is detached.
 */
function elementsOf(y: Value, { variance, positive, negative }: Sides, settings: Settings) {
  const mixed = (part: (side: Side) => Operand) => mix(y, part(positive), part(negative), settings);
  const logarithm = mixed((side) => side.logarithm);
  const distance = mixed((side) => side.distance);
  const focus = focusOf(y, distance, settings);
  const weighted = (value: Value) => (focus === undefined ? value : mul(value, focus.weight));
  const loss = flushTiny(sub(0, weighted(logarithm)));
  const gradient = (): Value => {
    const first = weighted(mixed((side) => side.slope));
    if (settings.detach || focus === undefined) return sub(0, first);
    const distanceGradient = mul(
      mixed((side) => side.distanceSlope),
      variance,
    );
    return sub(0, add(first, mul(mul(logarithm, focus.derivative()), distanceGradient)));
  };
  return { loss, gradient };
}

/** positive y + negative (1 - y). */
function mix(y: Value, positive: Operand, negative: Operand, { hard }: Pick<Settings, "hard">): Value {
  return hard ? select(less(0.5, y), positive, negative) : add(mul(y, positive), mul(sub(1, y), negative));
}

interface Focus {
  /** D^g. */
  readonly weight: Value;
  /** g D^(g-1); finite, and 0 where D = 0 and g < 1 (A is 0 there). */
  readonly derivative: () => Value;
}

/** Undefined for g = 0 everywhere. */
function focusOf(y: Value, distance: Value, settings: Settings): Focus | undefined {
  const { gammaNeg, gammaPos, hard } = settings;
  if (gammaNeg === 0 && gammaPos === 0) return undefined;
  if (!isWhole(gammaNeg) || !isWhole(gammaPos) || !(hard || gammaNeg === gammaPos)) {
    const exponent = gammaNeg === gammaPos ? gammaNeg : broadcastTo(mix(y, gammaPos, gammaNeg, settings), y.shape);
    const powers = y.builder.scope("exact.power", () => powersOf(distance, { from: SMALLEST, to: 1 }));
    const lowered = typeof exponent === "number" ? exponent - 1 : sub(exponent, 1);
    return { weight: powers(exponent), derivative: () => mul(exponent, powers(lowered)) };
  }
  const nothing = broadcastTo(y.builder.constant(0), y.shape);
  const derivativeOf = (gamma: number) => (gamma === 0 ? nothing : mul(gamma, power(distance, gamma - 1)));
  if (gammaNeg === gammaPos) {
    return { weight: power(distance, gammaNeg), derivative: () => derivativeOf(gammaNeg) };
  }
  return {
    weight: mix(y, power(distance, gammaPos), power(distance, gammaNeg), settings),
    derivative: () => mix(y, derivativeOf(gammaPos), derivativeOf(gammaNeg), settings),
  };
}

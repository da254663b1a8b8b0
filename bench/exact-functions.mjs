// The exact functions and losses of asl-core beside their native counterparts and their truth in float64.
import {
  asymmetricLoss,
  Builder,
  createRandom,
  div,
  exactAsymmetricLoss,
  exactExp,
  exactLog,
  exactLogSigmoid,
  exactPower,
  exactReciprocal,
  exactSigmoid,
  exactSum,
  exp,
  grad,
  log,
  neg,
  optimize,
  power,
  reduceSum,
  sigmoid,
  sub,
} from "asl-core";
import { evaluateNode } from "asl-reference";

const logit = (random) => (random.chance(0.8) ? 4 * random.normal() : random.between(-69, 69));
const probability = (random) => (random.chance(0.5) ? random.uniform() : 2 ** -random.between(0, 40));
const positive = (random) => random.between(1, 2) * 2 ** Math.floor(random.between(-99, 99));

/** log sigmoid(x) = min(x, 0) - log(1 + e^-|x|), as frameworks write it: -log(1 + e^-x) where that does not overflow. */
const nativeLogSigmoid = (x) => neg(log(add1(exp(neg(x)))));
const add1 = (x) => sub(x, -1);

const unary = (name, draw, exact, native, truth) => ({
  name,
  draws: { x: draw },
  exact: ({ x }) => ({ y: exact(x) }),
  native: ({ x }) => ({ y: native(x) }),
  truth: ({ x }) => ({ y: Float64Array.from(x, truth) }),
});

/** The sum over all elements and the gradient with respect to the logits. */
function loss(name, target, options) {
  const body = (lossOf, own) => {
    return ({ x, y }) => {
      const total = lossOf(x, y, own);
      return { loss: total, gradient: grad(total, [x])[0] };
    };
  };
  return {
    name,
    draws: { x: (random) => random.between(-20, 20), y: target },
    exact: body(exactAsymmetricLoss, options),
    native: body(asymmetricLoss, options),
    truth: ({ x, y }) => {
      const gradient = new Float64Array(x.length);
      const element = { loss: 0, gradient: 0 };
      const losses = Float64Array.from(x, (logit, i) => {
        asymmetricLossElement(logit, y[i], options, element);
        gradient[i] = element.gradient;
        return element.loss;
      });
      return { loss: Float64Array.of(sumOf(losses)), gradient };
    },
  };
}

const hard = (random) => Number(random.chance(0.3));
const through = { detachFocusingWeight: false };

export const FUNCTIONS = [
  unary("sigmoid", logit, exactSigmoid, sigmoid, (x) =>
    x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)),
  ),
  unary(
    "log sigmoid",
    logit,
    exactLogSigmoid,
    nativeLogSigmoid,
    (x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x))),
  ),
  unary("exp", (random) => random.between(-69, 88), exactExp, exp, Math.exp),
  unary("log", positive, exactLog, log, Math.log),
  unary(
    "reciprocal",
    positive,
    exactReciprocal,
    (x) => div(1, x),
    (x) => 1 / x,
  ),
  unary(
    "power 4",
    probability,
    (x) => exactPower(x, 4),
    (x) => power(x, 4),
    (x) => x ** 4,
  ),
  unary(
    "power 2.5",
    probability,
    (x) => exactPower(x, 2.5),
    (x) => power(x, 2.5),
    (x) => x * x * Math.sqrt(x),
  ),
  {
    ...unary("sum", (random) => random.normal() * 2 ** random.between(-20, 20), exactSum, reduceSum),
    truth: ({ x }) => ({ y: Float64Array.of(sumOf(x)) }),
  },
  loss("loss, hard targets, gammas 4 and 1", hard, { ...through, targets: "hard" }),
  loss("loss, hard targets, gammas 4 and 0", hard, { ...through, targets: "hard", gammaPos: 0 }),
  loss("loss, soft targets, gammas 4 and 1", (random) => random.uniform(), { ...through, targets: "soft" }),
];

/** Neumaier's sum: what rounding takes away is added in the end. */
function sumOf(values) {
  let [sum, lost] = [0, 0];
  for (const value of values) {
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return sum + lost;
}

/** `body` maps named inputs f32[shape] to outputs. */
export function graphOf(body, shape, inputs) {
  const builder = new Builder();
  const values = inputs.map((name) => [name, builder.input(name, { dtype: "f32", shape })]);
  return optimize(builder.finish(body(Object.fromEntries(values))), { evaluate: evaluateNode });
}

export function inputsOf({ name, draws }, count) {
  return Object.fromEntries(
    Object.entries(draws).map(([input, draw]) => {
      const random = createRandom("exact bench", name, input);
      return [input, Float32Array.from({ length: count }, () => draw(random))];
    }),
  );
}

const real = new Float32Array(1);
const word = new Uint32Array(real.buffer);

/** A unit in the last place of float32 numbers as large as x. */
export function ulpOf(x) {
  real[0] = x;
  word[0] &= 0x7f800000;
  return Math.max(real[0] * 2 ** -23, 2 ** -149);
}

/** Below it a result is +0. */
const SMALLEST = 2 ** -100;

/** |actual - truth| in units in the last place of the truth; 0 where a result below 2^-100 is 0. */
export function ulpsBetween(actual, truth) {
  if (Math.abs(truth) < SMALLEST && actual === 0) return 0;
  return Math.abs(actual - truth) / ulpOf(truth);
}

/**
 * Loss and gradient of one element in float64, with the constants as float32 has them; p = sigmoid(x),
 * q = min(1 - p + clip, 1):  L = -[y log max(p, eps) + (1 - y) log max(q, eps)] (1 - pt)^g, pt = p y + q (1 - y),
 * g = gammaPos y + gammaNeg (1 - y). Writes into `out`.
 */
export function asymmetricLossElement(x, y, { gammaNeg = 4, gammaPos = 1, clip = 0.05, epsilon = 1e-8 }, out) {
  const [c, least] = [Math.fround(clip), Math.fround(epsilon)];
  const e = Math.exp(-Math.abs(x));
  const p = x < 0 ? e / (1 + e) : 1 / (1 + e);
  const rest = x < 0 ? 1 / (1 + e) : e / (1 + e);
  const isClipped = rest + c >= 1;
  const q = isClipped ? 1 : rest + c;
  // 1 - q without cancellation where nothing is clipped off
  const oneMinusPt = y * rest + (1 - y) * (isClipped ? 0 : p - c);
  const gamma = gammaPos * y + gammaNeg * (1 - y);
  const crossEntropy =
    (y === 0 ? 0 : y * logOf(p, rest, least)) +
    (y === 1 ? 0 : (1 - y) * (c === 0 ? logOf(q, p, least) : Math.log(Math.max(q, least))));
  const weight = oneMinusPt ** gamma;
  out.loss = -crossEntropy * weight;
  // dp/dx = p (1 - p) = -dq/dx
  const slope = p * rest;
  const dq = isClipped ? 0 : -slope;
  const dCrossEntropy = (p > least ? (y * slope) / p : 0) + (q > least ? ((1 - y) * dq) / q : 0);
  const dPt = y * slope + (1 - y) * dq;
  const dWeight = gamma === 0 || oneMinusPt === 0 ? 0 : -gamma * oneMinusPt ** (gamma - 1) * dPt;
  out.gradient = -(dCrossEntropy * weight + crossEntropy * dWeight);
}

/** log max(p, least) where 1 - p is known. */
const logOf = (p, rest, least) => (p <= least ? Math.log(least) : p < 0.5 ? Math.log(p) : Math.log1p(-rest));

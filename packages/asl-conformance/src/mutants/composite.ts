import {
  ADAM_DEFAULTS,
  abs,
  adamStep,
  add,
  averagePool2x2,
  batchNormTrain,
  cast,
  conv2d,
  div,
  emaStep,
  exp,
  f32,
  grad,
  less,
  log,
  max,
  mean,
  min,
  mul,
  pad,
  power,
  reduceSum,
  reshape,
  select,
  sigmoid,
  sqrt,
  square,
  sub,
  transpose,
  type Value,
} from "asl-core";
import { ASL_SETTINGS, aslOutputs, batchMean, blended, optimizerStep } from "../composites.js";
import { type Mutant, wrongComposite } from "./mutant.js";

type Values = Readonly<Record<string, Value>>;

const total = (elements: Value) => reduceSum(elements);

/** Per channel along [N,C,H,W]. */
const along = (channels: Value, like: Value) =>
  channels.builder.apply("broadcast", [channels], { shape: like.shape, axes: [1] });

const AXES = [0, 2, 3];

/** Batch norm with parts exchanged: the divisor's correction, and how the deviation is made from the variance. */
function batchNorm(x: Value, scale: Value, bias: Value, divisor: number, deviation: (variance: Value) => Value): Value {
  const centred = sub(x, along(mean(x, AXES), x));
  const variance = div(reduceSum(square(centred), AXES), divisor);
  return add(mul(div(centred, along(deviation(variance), x)), along(scale, x)), along(bias, x));
}

const rooted = (variance: Value) => sqrt(add(variance, 1e-5));

/** The loss with its likelihood and weight made by other formulas. */
function asl({ x, y }: Values, element: (p: Value, positive: Value) => Value): Values {
  const loss = reduceSum(element(sigmoid(x!), less(0.5, y!)));
  return { loss, dx: grad(loss, [x!])[0]! };
}

function scalarsOf(values: Values) {
  const { beta1, oneMinusBeta1, stepSize, biasCorrection2Sqrt } = values as Record<string, Value>;
  return {
    beta1: beta1!,
    oneMinusBeta1: oneMinusBeta1!,
    stepSize: stepSize!,
    biasCorrection2Sqrt: biasCorrection2Sqrt!,
  };
}

const OPTIONS = { ...ADAM_DEFAULTS, weightDecay: 0.1 };

/** Adam with another gradient, parameter or scalars going in. */
function adam(values: Values, changed: Values, options = OPTIONS): Values {
  return optimizerStep({ ...values, ...changed }, options);
}

export const COMPOSITE_MUTANTS: readonly Mutant[] = [
  wrongComposite("layers/space-to-depth", "channel order", "channels before blocks", ({ x }) => {
    const blocks = reshape(x!, [2, 3, 2, 4, 1, 4]);
    return { y: reshape(transpose(blocks, [0, 1, 3, 5, 2, 4]), [2, 48, 2, 1]) };
  }),
  wrongComposite("layers/blur-pool", "edge padding", "the border repeats the edge instead of mirroring", ({ x }) => ({
    y: blurred(pad(x!, [0, 0, 1, 1], [0, 0, 1, 1], "edge")),
  })),
  wrongComposite("layers/blur-pool", "zero padding", "the border is 0", ({ x }) => ({
    y: blurred(pad(x!, [0, 0, 1, 1], [0, 0, 1, 1])),
  })),
  wrongComposite("layers/average-pool-odd-size", "counts padding", "every window is divided by 4", ({ x }) => ({
    y: averagePool2x2(pad(x!, [0, 0, 0, 0], [0, 0, x!.shape[2]! % 2, x!.shape[3]! % 2])),
  })),
  wrongComposite("layers/leaky-relu-0.001", "slope 0.01", "0.01 for 0.001", ({ x, g }) => leaky(x!, g!, 0.01)),
  wrongComposite("layers/leaky-relu-0.001", "gradient 1", "the slope is left out of the gradient", ({ x, g }) => ({
    ...leaky(x!, g!, 0.001),
    dx: mul(g!, 1),
  })),
  wrongComposite("layers/leaky-relu-gradient-at-0", "1 at 0", "the gradient at 0 is 1", ({ x, g }) => ({
    dx: mul(g!, select(less(x!, 0), 0.125, 1)),
  })),
  wrongComposite("layers/relu-gradient-at-0", "1 at 0", "the gradient at 0 is 1", ({ x, g }) => ({
    dx: select(less(x!, 0), 0, g!),
  })),
  wrongComposite("layers/batch-norm", "unbiased normalisation", "x is divided by the unbiased deviation", (values) => ({
    ...batchNormOutputs(values),
    y: batchNorm(values.x!, values.scale!, values.bias!, 17, rooted),
  })),
  wrongComposite("layers/batch-norm", "biased running variance", "running variance takes divisor n", (values) => {
    const { x, runningVariance } = values;
    const centred = sub(x!, along(mean(x!, AXES), x!));
    const biased = div(reduceSum(square(centred), AXES), 18);
    return { ...batchNormOutputs(values), runningVariance: blended(runningVariance!, biased) };
  }),
  wrongComposite("layers/batch-norm", "momentum swapped", "running takes 0.9 of the batch", (values) => ({
    ...batchNormOutputs(values, 0.9),
  })),
  wrongComposite("layers/batch-norm-small-variance", "epsilon outside", "sqrt(variance) + epsilon", (values) => ({
    y: batchNorm(values.x!, values.scale!, values.bias!, 8, (variance) => add(sqrt(variance), 1e-5)),
  })),
  wrongComposite("layers/batch-norm-small-variance", "epsilon 1e-3", "1e-3 for 1e-5", (values) => ({
    y: batchNorm(values.x!, values.scale!, values.bias!, 8, (variance) => sqrt(add(variance, 1e-3))),
  })),
  wrongComposite("layers/absolute-weight-gradient-at-0", "0 at 0", "d|w| is sign(w), 0 at 0", ({ w, g }) => {
    const sign = sub(cast(less(0, w!), "f32"), cast(less(w!, 0), "f32"));
    return { scale: add(abs(w!), 1e-5), dw: mul(g!, sign) };
  }),
  wrongComposite("layers/squeeze-excite", "no ReLU", "nothing between the two layers", (values) => ({
    y: excited(values, (x) => x, sigmoid),
  })),
  wrongComposite("layers/squeeze-excite", "hard sigmoid", "a piecewise linear gate", (values) => ({
    y: excited(
      values,
      (x) => max(x, 0),
      (x) => min(max(add(mul(x, 1 / 6), 0.5), 0), 1),
    ),
  })),
  wrongComposite("losses/asymmetric-sum", "gammas swapped", "gammaPos for gammaNeg", (values) =>
    aslOutputs(values, { ...ASL_SETTINGS, gammaNeg: 1, gammaPos: 4 }, total),
  ),
  wrongComposite("losses/asymmetric-sum", "clip after the log", "log(1 - p) + clip", (values) =>
    asl(values, (p, positive) => {
      const q = min(add(sub(1, p), 0.05), 1);
      const likelihood = select(positive, log(p), min(add(log(sub(1, p)), 0.05), 0));
      return mul(sub(0, likelihood), select(positive, sub(1, p), power(sub(1, q), 4)));
    }),
  ),
  wrongComposite("losses/asymmetric-sum", "no upper limit", "1 - p + clip is not held below 1", (values) =>
    asl(values, (p, positive) => {
      const q = add(sub(1, p), 0.05);
      const weight = select(positive, sub(1, p), power(sub(1, q), 4));
      return mul(sub(0, log(select(positive, p, q))), weight);
    }),
  ),
  wrongComposite("losses/asymmetric-sum", "clip not in the weight", "the weight uses p", (values) =>
    asl(values, (p, positive) => {
      const q = min(add(sub(1, p), 0.05), 1);
      return mul(sub(0, log(select(positive, p, q))), select(positive, sub(1, p), power(p, 4)));
    }),
  ),
  wrongComposite("losses/asymmetric-sum", "weight detached", "no gradient through the focusing weight", (values) =>
    aslOutputs(values, { ...ASL_SETTINGS, detach: true }, total),
  ),
  wrongComposite("losses/asymmetric-detached-weight", "detach ignored", "gradient through the weight", (values) =>
    aslOutputs(values, ASL_SETTINGS, total),
  ),
  wrongComposite("losses/asymmetric-batch-mean", "sum", "not divided by the batch", (values) =>
    aslOutputs(values, ASL_SETTINGS, total),
  ),
  wrongComposite("losses/asymmetric-batch-mean", "mean over all", "divided by batch x classes", (values) =>
    aslOutputs(values, ASL_SETTINGS, (elements) => div(batchMean(elements), 7)),
  ),
  wrongComposite("losses/log-softmax-large-logits", "without the maximum", "e^1000 overflows", ({ x }) => ({
    y: sub(x!, reshape(log(reduceSum(exp(x!), [1])), [2, 1])),
  })),
  wrongComposite(
    "optimizer/adam-and-moving-average",
    "average before the step",
    "the average takes the old weight",
    (values) => ({
      ...adam(values, {}),
      ema: emaStep(values.ema!, values.parameter!, { decay: values.decay!, oneMinusDecay: values.oneMinusDecay! }),
    }),
  ),
  wrongComposite(
    "optimizer/adam-and-moving-average",
    "decay swapped",
    "the average takes 0.9 of the new weight",
    (values) => adam(values, { decay: values.oneMinusDecay!, oneMinusDecay: values.decay! }),
  ),
  wrongComposite("optimizer/adam-and-moving-average", "no weight decay", "the gradient is taken as it is", (values) =>
    adam(values, {}, { ...OPTIONS, weightDecay: 0 }),
  ),
  wrongComposite(
    "optimizer/adam-and-moving-average",
    "decoupled decay",
    "AdamW: decay acts on the weight",
    (values) => {
      const next = adam(values, {}, { ...OPTIONS, weightDecay: 0 });
      return { ...next, parameter: sub(next.parameter!, mul(values.parameter!, 0.001)) };
    },
  ),
  wrongComposite("optimizer/adam-and-moving-average", "no bias correction", "sqrt(v) is not divided", (values) =>
    adam(values, { biasCorrection2Sqrt: values.beta1!.builder.constant(1) }),
  ),
  wrongComposite("optimizer/adam-and-moving-average", "ascends", "the step is added", (values) =>
    adam(values, { stepSize: mul(values.stepSize!, -1) }),
  ),
  wrongComposite("optimizer/adam-small-gradient", "epsilon inside", "sqrt(v + epsilon)", (values) => {
    const next = optimizerStep(values, { weightDecay: 0 });
    const slots = { parameter: values.parameter!, expAvg: values.expAvg!, expAvgSq: values.expAvgSq! };
    const options = { ...ADAM_DEFAULTS, weightDecay: 0, epsilon: 0 };
    const { expAvg, expAvgSq } = adamStep(slots, values.gradient!, true, scalarsOf(values), options);
    const denominator = div(sqrt(add(expAvgSq, 1e-8)), values.biasCorrection2Sqrt!);
    const parameter = sub(values.parameter!, mul(div(expAvg, denominator), values.stepSize!));
    return { ...next, parameter };
  }),
  wrongComposite("optimizer/adam-small-gradient", "epsilon 1e-6", "1e-6 for 1e-8", (values) =>
    optimizerStep(values, { weightDecay: 0, epsilon: 1e-6 }),
  ),
];

function leaky(x: Value, g: Value, slope: number): Values {
  return { y: max(x, mul(x, slope)), dx: mul(g, select(less(0, x), 1, slope)) };
}

function blurred(padded: Value): Value {
  const channels = padded.shape[1]!;
  const filter = [1, 2, 1].flatMap((a) => [1, 2, 1].map((b) => (a * b) / 16));
  const kernel = f32([channels, 1, 3, 3], Array.from({ length: channels }, () => filter).flat());
  return conv2d(padded, padded.builder.constant(kernel), { stride: 2, groups: channels });
}

function batchNormOutputs({ x, scale, bias, runningMean, runningVariance }: Values, momentum = 0.1): Values {
  const { y, statistics } = batchNormTrain(x!, scale!, bias!, 1e-5);
  return {
    y,
    runningMean: blended(runningMean!, statistics.mean, momentum),
    runningVariance: blended(runningVariance!, statistics.unbiasedVariance, momentum),
  };
}

function excited({ x, w1, b1, w2, b2 }: Values, between: (x: Value) => Value, gate: (x: Value) => Value): Value {
  const pixel = reshape(mean(x!, [2, 3]), [2, 4, 1, 1]);
  const layer = (input: Value, weight: Value, bias: Value) =>
    add(conv2d(input, weight), reshape(bias, [1, bias.shape[0]!, 1, 1]));
  return mul(x!, gate(layer(between(layer(pixel, w1!, b1!)), w2!, b2!)));
}

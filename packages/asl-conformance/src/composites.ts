import {
  ADAM_DEFAULTS,
  type AdamOptions,
  abs,
  adamStep,
  add,
  averagePool2x2,
  Builder,
  batchNormTrain,
  blurPool,
  div,
  emaStep,
  type Graph,
  grad,
  leakyRelu,
  less,
  log,
  logSoftmax,
  max,
  min,
  mul,
  power,
  reduceSum,
  relu,
  type Shape,
  select,
  sigmoid,
  spaceToDepth,
  squeezeExcite,
  stopGradient,
  sub,
  type Value,
} from "asl-core";

type Values = Readonly<Record<string, Value>>;

/** What an input of a composite is drawn from; see fixtures/generate/ops/draw.mjs. */
export interface InputSpec {
  readonly shape: Shape;
  readonly draw?: string;
  /** These numbers instead. */
  readonly values?: readonly number[];
}

/** Several ops that mean one thing: a layer, a loss, an optimizer's step. */
export interface Composite {
  readonly kind: "dyadic" | "random" | "edge";
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly body: (inputs: Values) => Values;
}

export type CompositeName = keyof typeof COMPOSITES;

/** The graph of a composite, or of another body over the same inputs. */
export function compositeGraph({ inputs, body }: Composite, other: Composite["body"] = body): Graph {
  const builder = new Builder();
  const values = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape }]) => [name, builder.input(name, { dtype: "f32", shape })]),
  );
  return builder.finish(other(values));
}

const gradientOf = (y: Value, g: Value, x: Value) => grad(reduceSum(mul(y, g)), [x])[0]!;

export interface AslSettings {
  readonly gammaNeg: number;
  readonly gammaPos: number;
  readonly clip: number;
  readonly detach: boolean;
}

export const ASL_SETTINGS: AslSettings = { gammaNeg: 4, gammaPos: 1, clip: 0.05, detach: false };

/**
 * -[y log max(p, eps) + (1 - y) log max(q, eps)] (1 - pt)^g for hard targets, written down once more, without any
 * shortcut: p = sigmoid(x), q = min(1 - p + clip, 1), pt = y ? p : q. All [batch, classes].
 */
export function asymmetricElements(x: Value, y: Value, { gammaNeg, gammaPos, clip, detach }: AslSettings): Value {
  const p = sigmoid(x);
  const q = min(add(sub(1, p), clip), 1);
  const positive = less(0.5, y);
  const likelihood = log(max(1e-8, select(positive, p, q)));
  const weight = select(positive, power(sub(1, p), gammaPos), power(sub(1, q), gammaNeg));
  return mul(sub(0, likelihood), detach ? stopGradient(weight) : weight);
}

/** The summed loss and its gradient. */
export function aslOutputs({ x, y }: Values, settings: AslSettings, sum: (elements: Value) => Value): Values {
  const loss = sum(asymmetricElements(x!, y!, settings));
  return { loss, dx: grad(loss, [x!])[0]! };
}

const ASL_INPUTS = { x: { shape: [5, 7], draw: "logit6" }, y: { shape: [5, 7], draw: "binary" } };

export const batchMean = (elements: Value) => div(reduceSum(elements), elements.shape[0]!);

/** Running statistics: (1 - momentum) running + momentum batch. */
export const blended = (running: Value, batch: Value, momentum = 0.1) =>
  add(mul(running, 1 - momentum), mul(batch, momentum));

/** One parameter's Adam step, then the moving average of the result. */
export function optimizerStep(values: Values, options: AdamOptions = {}): Values {
  const scalars = {
    beta1: values.beta1!,
    oneMinusBeta1: values.oneMinusBeta1!,
    stepSize: values.stepSize!,
    biasCorrection2Sqrt: values.biasCorrection2Sqrt!,
  };
  const slots = { parameter: values.parameter!, expAvg: values.expAvg!, expAvgSq: values.expAvgSq! };
  const next = adamStep(slots, values.gradient!, true, scalars, { ...ADAM_DEFAULTS, ...options });
  const ema = emaStep(values.ema!, next.parameter, { decay: values.decay!, oneMinusDecay: values.oneMinusDecay! });
  return { ...next, ema };
}

const scalar = (value: number): InputSpec => ({ shape: [], values: [value] });
const W = [4, 6];

export const COMPOSITES = {
  "layers/space-to-depth": {
    kind: "dyadic",
    inputs: { x: { shape: [2, 3, 8, 4] } },
    body: ({ x }) => ({ y: spaceToDepth(x!, 4) }),
  },
  "layers/blur-pool": {
    kind: "dyadic",
    inputs: { x: { shape: [1, 2, 6, 7] } },
    body: ({ x }) => ({ y: blurPool(x!) }),
  },
  "layers/average-pool-odd-size": {
    kind: "dyadic",
    inputs: { x: { shape: [1, 2, 5, 3] } },
    body: ({ x }) => ({ y: averagePool2x2(x!) }),
  },
  "layers/leaky-relu-0.001": {
    kind: "random",
    inputs: { x: { shape: [37], draw: "any" }, g: { shape: [37], draw: "any" } },
    body({ x, g }) {
      const y = leakyRelu(x!, 0.001);
      return { y, dx: gradientOf(y, g!, x!) };
    },
  },
  "layers/leaky-relu-gradient-at-0": {
    kind: "edge",
    inputs: { x: { shape: [4], values: [0, 1, -1, 0] }, g: { shape: [4], values: [1, 2, 3, 4] } },
    body: ({ x, g }) => ({ dx: gradientOf(leakyRelu(x!, 0.125), g!, x!) }),
  },
  "layers/relu-gradient-at-0": {
    kind: "edge",
    inputs: { x: { shape: [4], values: [0, 1, -1, 0] }, g: { shape: [4], values: [1, 2, 3, 4] } },
    body: ({ x, g }) => ({ dx: gradientOf(relu(x!), g!, x!) }),
  },
  "layers/batch-norm": {
    kind: "random",
    inputs: {
      x: { shape: [2, 3, 3, 3], draw: "any" },
      scale: { shape: [3], draw: "positive" },
      bias: { shape: [3], draw: "any" },
      runningMean: { shape: [3], draw: "any" },
      runningVariance: { shape: [3], draw: "positive" },
    },
    body({ x, scale, bias, runningMean, runningVariance }) {
      const { y, statistics } = batchNormTrain(x!, scale!, bias!, 1e-5);
      return {
        y,
        runningMean: blended(runningMean!, statistics.mean),
        runningVariance: blended(runningVariance!, statistics.unbiasedVariance),
      };
    },
  },
  // a variance of the size of epsilon shows where epsilon stands
  "layers/batch-norm-small-variance": {
    kind: "random",
    inputs: {
      x: { shape: [2, 2, 2, 2], draw: "thousandth" },
      scale: { shape: [2], draw: "positive" },
      bias: { shape: [2], draw: "any" },
    },
    body: ({ x, scale, bias }) => ({ y: batchNormTrain(x!, scale!, bias!, 1e-5).y }),
  },
  "layers/absolute-weight-gradient-at-0": {
    kind: "edge",
    inputs: { w: { shape: [4], values: [0, 0.5, -0.5, 0] }, g: { shape: [4], values: [1, 2, 3, -4] } },
    body: ({ w, g }) => ({ scale: add(abs(w!), 1e-5), dw: gradientOf(add(abs(w!), 1e-5), g!, w!) }),
  },
  "layers/squeeze-excite": {
    kind: "random",
    inputs: {
      x: { shape: [2, 4, 3, 3], draw: "any" },
      w1: { shape: [3, 4, 1, 1], draw: "any" },
      b1: { shape: [3], draw: "any" },
      w2: { shape: [4, 3, 1, 1], draw: "any" },
      b2: { shape: [4], draw: "any" },
    },
    body: ({ x, w1, b1, w2, b2 }) => ({
      y: squeezeExcite(x!, { fc1: { weight: w1!, bias: b1! }, fc2: { weight: w2!, bias: b2! } }),
    }),
  },
  "losses/asymmetric-sum": {
    kind: "random",
    inputs: ASL_INPUTS,
    body: (values) => aslOutputs(values, ASL_SETTINGS, (elements) => reduceSum(elements)),
  },
  "losses/asymmetric-batch-mean": {
    kind: "random",
    inputs: ASL_INPUTS,
    body: (values) => aslOutputs(values, ASL_SETTINGS, batchMean),
  },
  "losses/asymmetric-detached-weight": {
    kind: "random",
    inputs: ASL_INPUTS,
    body: (values) => aslOutputs(values, { ...ASL_SETTINGS, detach: true }, (elements) => reduceSum(elements)),
  },
  "losses/log-softmax-large-logits": {
    kind: "edge",
    inputs: { x: { shape: [2, 3], values: [1000, 999, 998, -1000, -1001, -999] } },
    body: ({ x }) => ({ y: logSoftmax(x!) }),
  },
  "optimizer/adam-and-moving-average": {
    kind: "random",
    inputs: {
      parameter: { shape: W, draw: "any" },
      gradient: { shape: W, draw: "any" },
      expAvg: { shape: W, draw: "any" },
      expAvgSq: { shape: W, draw: "positive" },
      ema: { shape: W, draw: "any" },
      // step 3 of beta1 0.9, beta2 0.999, learning rate 0.01
      beta1: scalar(0.9),
      oneMinusBeta1: scalar(1 - 0.9),
      stepSize: scalar(0.01 / (1 - 0.9 ** 3)),
      biasCorrection2Sqrt: scalar(Math.sqrt(1 - 0.999 ** 3)),
      decay: scalar(0.9),
      oneMinusDecay: scalar(1 - 0.9),
    },
    body: (values) => optimizerStep(values, { weightDecay: 0.1 }),
  },
  "optimizer/adam-small-gradient": {
    kind: "random",
    inputs: {
      parameter: { shape: W, draw: "any" },
      gradient: { shape: W, draw: "tiny" },
      expAvg: { shape: W, draw: "tiny" },
      expAvgSq: { shape: W, draw: "tinySquare" },
      ema: { shape: W, draw: "any" },
      beta1: scalar(0.9),
      oneMinusBeta1: scalar(1 - 0.9),
      stepSize: scalar(0.01 / (1 - 0.9 ** 3)),
      biasCorrection2Sqrt: scalar(Math.sqrt(1 - 0.999 ** 3)),
      decay: scalar(0.9),
      oneMinusDecay: scalar(1 - 0.9),
    },
    body: (values) => optimizerStep(values, { weightDecay: 0 }),
  },
} as const satisfies Readonly<Record<string, Composite>>;

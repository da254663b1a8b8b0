import { grad } from "../autodiff/grad.js";
import { add, mul } from "../functions/elementwise.js";
import { Builder, type Value } from "../graph/builder.js";
import type { Model, StateValues } from "../models/model.js";
import {
  ADAM_DEFAULTS,
  ADAM_GROUP,
  type AdamInputs,
  type AdamOptions,
  adamInputs,
  adamSlots,
  adamStep,
  expAvgName,
  expAvgSqName,
  isDecayed,
} from "../optim/adam.js";
import { emaInputs, emaName, emaSlots, emaStep } from "../optim/ema.js";
import {
  accumulate,
  accumulatedName,
  accumulationInput,
  accumulationSlots,
  clipByGlobalNorm,
} from "../optim/gradients.js";
import type { StateEntry, StateSpec } from "../state/spec.js";
import type { Program } from "./backend.js";

export interface BatchShape {
  readonly batchSize: number;
  /** Height and width in pixels. */
  readonly imageSize: number;
}

/** What a forward and backward pass over a batch depends on. */
export interface ForwardOptions extends BatchShape {
  readonly model: Model;
  /** Scalar loss from logits and targets, both [batch, classes]; may declare inputs of its own. */
  readonly loss: (logits: Value, targets: Value) => Value;
  /** More outputs for the caller, from logits and targets (e.g. the balance of probabilities). */
  readonly report?: (logits: Value, targets: Value) => Readonly<Record<string, Value>>;
  /**
   * Which parameters are trained; default all. With any frozen one the network runs on its running statistics, which
   * stay as they are.
   */
  readonly isTrained?: (parameter: string) => boolean;
}

export interface TrainProgramOptions extends ForwardOptions {
  readonly adam?: AdamOptions;
  /** Gradients add to the sums that `accumulateProgram` has left in the state. */
  readonly accumulated?: boolean;
  /** Largest norm of all gradients together; see `clipByGlobalNorm`. */
  readonly clipGradientNorm?: number;
  /** A parameter's factor of the learning rate; default 1. */
  readonly learningRateScale?: (parameter: string) => number;
  /** Parameters with scalars of their own, such as another step count: the group of `adamFeeds`. Default one group. */
  readonly adamGroup?: (parameter: string) => string;
  /** Also return the gradient of each parameter as output "grad.NAME". For tests and inspection. */
  readonly returnGradients?: boolean;
}

export interface TrainingStateOptions {
  /** Also a sum of gradients for each parameter, for `accumulateProgram`. */
  readonly accumulates?: boolean;
}

/** Parameters and buffers, Adam's slots and the moving average: all that the programs of a training run share. */
export function trainingState(model: Model, { accumulates = false }: TrainingStateOptions = {}): StateSpec {
  const parameters = parametersOf(model);
  const sums = accumulates ? accumulationSlots(parameters) : {};
  return { ...model.state, ...adamSlots(parameters), ...emaSlots(model.state), ...sums };
}

/**
 * One step: forward, loss, backward, Adam, moving average.
 * Feeds: images [N,3,S,S], targets [N,C], and the scalars of `adamFeeds` (for each group of parameters) and `emaFeeds`.
 * Returns loss (scalar) and logits [N,C], which must be finite before any state is written, and with
 * `clipGradientNorm` the norm of the gradient, "gradientNorm" (scalar, finite, too).
 */
export function trainProgram(options: TrainProgramOptions): Program {
  const { model, accumulated = false, clipGradientNorm, returnGradients = false } = options;
  const adamOptions = { ...ADAM_DEFAULTS, ...options.adam };
  const pass = forwardBackward(options, (trained) => {
    const changing = isFrozen(options) ? trained : model.state;
    return { ...adamSlots(trained), ...emaSlots(changing), ...(accumulated ? accumulationSlots(trained) : {}) };
  });
  const { builder, state, parameters } = pass;
  const summed = accumulated
    ? parameters.map(([name], i) => add(state[accumulatedName(name)]!, pass.gradients[i]!))
    : pass.gradients;
  const clipped = clipGradientNorm === undefined ? undefined : clipByGlobalNorm(summed, clipGradientNorm);
  const gradients = clipped?.gradients ?? summed;

  const { adamGroup = () => ADAM_GROUP, learningRateScale = () => 1 } = options;
  const groups = new Set(parameters.map(([name]) => adamGroup(name)));
  const adam = new Map([...groups].map((group) => [group, adamInputs(builder, group)]));
  const ema = emaInputs(builder);
  const written: Record<string, Value> = { ...pass.updates };
  parameters.forEach(([name, entry], i) => {
    builder.scope(`adam/${name}`, () => {
      const tensors = {
        parameter: state[name]!,
        expAvg: state[expAvgName(name)]!,
        expAvgSq: state[expAvgSqName(name)]!,
      };
      const inputs = scaledRate(adam.get(adamGroup(name))!, learningRateScale(name));
      const next = adamStep(tensors, gradients[i]!, isDecayed(entry), inputs, adamOptions);
      written[name] = next.parameter;
      written[expAvgName(name)] = next.expAvg;
      written[expAvgSqName(name)] = next.expAvgSq;
    });
  });
  // what is frozen equals its average
  for (const name of Object.keys(model.state).filter((each) => written[each] !== undefined)) {
    builder.scope(`ema/${name}`, () => {
      written[emaName(name)] = emaStep(state[emaName(name)]!, written[name]!, ema);
    });
  }

  const returned: Record<string, Value> = { ...pass.returned };
  if (clipped !== undefined) returned.gradientNorm = clipped.norm;
  if (returnGradients) {
    parameters.forEach(([name], i) => {
      returned[`grad.${name}`] = gradients[i]!;
    });
  }
  const finite = clipped === undefined ? FINITE : [...FINITE, "gradientNorm"];
  return programOf(pass, returned, written, finite);
}

/**
 * Forward, loss and backward for a batch that is not the last of its step: its gradients are added to the sums in the
 * state (see `trainingState`), which a `trainProgram` with `accumulated` then takes. With a summed loss the step is
 * that of one large batch, except that batch norm sees the small ones.
 * Feeds: images, targets and the scalar of `accumulationFeeds`. Returns loss and logits, as `trainProgram`.
 */
export function accumulateProgram(options: ForwardOptions): Program {
  const pass = forwardBackward(options, accumulationSlots);
  const keep = accumulationInput(pass.builder);
  const written: Record<string, Value> = { ...pass.updates };
  pass.parameters.forEach(([name], i) => {
    const sum = accumulatedName(name);
    pass.builder.scope(`accumulate/${name}`, () => {
      written[sum] = accumulate(pass.state[sum]!, pass.gradients[i]!, keep);
    });
  });
  return programOf(pass, pass.returned, written, FINITE);
}

interface ForwardBackward {
  readonly builder: Builder;
  readonly state: StateValues;
  /** The parameters that are trained. */
  readonly parameters: readonly (readonly [string, StateEntry])[];
  /** One for each of `parameters`. */
  readonly gradients: readonly Value[];
  /** New running statistics. */
  readonly updates: StateValues;
  readonly returned: Readonly<Record<string, Value>>;
}

const FINITE = ["logits", "loss"];

const isFrozen = ({ model, isTrained = () => true }: ForwardOptions) =>
  !Object.keys(parametersOf(model)).every((name) => isTrained(name));

/** `slotsOf`: state that the program reads beside the model's, from the parameters that are trained. */
function forwardBackward(options: ForwardOptions, slotsOf: (trained: StateSpec) => StateSpec): ForwardBackward {
  const { model, loss: lossOf, report = () => ({}), isTrained = () => true } = options;
  const builder = new Builder();
  const { images, targets } = batchInputs(builder, model, options);
  const parameters = Object.entries(parametersOf(model)).filter(([name]) => isTrained(name));
  const state = stateInputs(builder, { ...model.state, ...slotsOf(Object.fromEntries(parameters)) });
  const { logits, updates } = model.apply(images, state, isFrozen(options) ? "eval" : "train");
  const loss = lossOf(logits, targets);
  const gradients = grad(
    loss,
    parameters.map(([name]) => state[name]!),
  );
  const returned = { loss, logits, ...report(logits, targets) };
  return { builder, state, parameters, gradients, updates, returned };
}

function programOf(
  { builder, state }: ForwardBackward,
  returned: Readonly<Record<string, Value>>,
  written: Readonly<Record<string, Value>>,
  finite: readonly string[],
): Program {
  return {
    graph: builder.finish({ ...returned, ...prefixed("next.", written) }),
    reads: prefixedKeys("", Object.keys(state)),
    writes: prefixedKeys("next.", Object.keys(written)),
    finite,
  };
}

export interface EvaluateProgramOptions extends BatchShape {
  readonly model: Model;
  /** `live`: the trained weights; `ema`: their moving average. Default `live`. */
  readonly weights?: "live" | "ema";
  /** Return the output of every stage by name, too. */
  readonly returnStages?: boolean;
}

/** Inference on running statistics. Feeds: images [N,3,S,S]; returns logits [N,C], which must be finite. */
export function evaluateProgram(options: EvaluateProgramOptions): Program {
  const { model, weights = "live", returnStages = false } = options;
  const builder = new Builder();
  const images = imageInput(builder, options);
  const state = stateInputs(builder, model.state);
  const { logits, stages } = model.apply(images, state, "eval");
  const reads = Object.keys(state).map((name) => [name, weights === "ema" ? emaName(name) : name]);
  return {
    graph: builder.finish(returnStages ? { ...stages, logits } : { logits }),
    reads: Object.fromEntries(reads),
    writes: {},
    finite: ["logits"],
  };
}

const scaledRate = (inputs: AdamInputs, scale: number): AdamInputs =>
  scale === 1 ? inputs : { ...inputs, stepSize: mul(inputs.stepSize, scale) };

/** The parameters of a model, without its buffers. */
export function parametersOf(model: Model): StateSpec {
  return Object.fromEntries(Object.entries(model.state).filter(([, { role }]) => role === "parameter"));
}

function imageInput(builder: Builder, { batchSize, imageSize }: BatchShape): Value {
  return builder.input("images", { dtype: "f32", shape: [batchSize, 3, imageSize, imageSize] });
}

function batchInputs(builder: Builder, model: Model, shape: BatchShape): { images: Value; targets: Value } {
  const images = imageInput(builder, shape);
  return { images, targets: builder.input("targets", { dtype: "f32", shape: [shape.batchSize, model.classes] }) };
}

/** One graph input per state tensor, under its state name. */
function stateInputs(builder: Builder, spec: StateSpec): StateValues {
  return Object.fromEntries(Object.entries(spec).map(([name, { type }]) => [name, builder.input(name, type)]));
}

const prefixed = <T>(prefix: string, record: Readonly<Record<string, T>>) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [prefix + name, value]));

const prefixedKeys = (prefix: string, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [prefix + name, name]));

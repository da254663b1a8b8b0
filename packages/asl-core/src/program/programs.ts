import { grad } from "../autodiff/grad.js";
import { Builder, type Value } from "../graph/builder.js";
import type { Model, StateValues } from "../models/model.js";
import {
  ADAM_DEFAULTS,
  type AdamOptions,
  adamInputs,
  adamSlots,
  adamStep,
  expAvgName,
  expAvgSqName,
  isDecayed,
} from "../optim/adam.js";
import { emaInputs, emaName, emaSlots, emaStep } from "../optim/ema.js";
import type { StateSpec } from "../state/spec.js";
import type { Program } from "./backend.js";

export interface BatchShape {
  readonly batchSize: number;
  /** Height and width in pixels. */
  readonly imageSize: number;
}

export interface TrainProgramOptions extends BatchShape {
  readonly model: Model;
  /** Scalar loss from logits and targets, both [batch, classes]; may declare inputs of its own. */
  readonly loss: (logits: Value, targets: Value) => Value;
  readonly adam?: AdamOptions;
  /** More outputs for the caller, from logits and targets (e.g. the balance of probabilities). */
  readonly report?: (logits: Value, targets: Value) => Readonly<Record<string, Value>>;
  /** Also return the gradient of each parameter as output "grad.NAME". For tests and inspection. */
  readonly returnGradients?: boolean;
}

/** Parameters and buffers, Adam's slots and the moving average: all that the three programs share. */
export function trainingState(model: Model): StateSpec {
  return { ...model.state, ...adamSlots(parametersOf(model)), ...emaSlots(model.state) };
}

/**
 * One step: forward, loss, backward, Adam, moving average.
 * Feeds: images [N,3,S,S], targets [N,C], and the scalars of `adamFeeds` and `emaFeeds`.
 * Returns loss (scalar) and logits [N,C], which must be finite before any state is written.
 */
export function trainProgram(options: TrainProgramOptions): Program {
  const { model, loss: lossOf, report = () => ({}), returnGradients = false } = options;
  const adamOptions = { ...ADAM_DEFAULTS, ...options.adam };
  const builder = new Builder();
  const { images, targets } = batchInputs(builder, model, options);
  const state = stateInputs(builder, trainingState(model));
  const { logits, updates } = model.apply(images, state, "train");
  const loss = lossOf(logits, targets);

  const parameters = Object.entries(parametersOf(model));
  const gradients = grad(
    loss,
    parameters.map(([name]) => state[name]!),
  );
  const adam = adamInputs(builder);
  const ema = emaInputs(builder);
  const written: Record<string, Value> = { ...updates };
  parameters.forEach(([name, entry], i) => {
    builder.scope(`adam/${name}`, () => {
      const tensors = {
        parameter: state[name]!,
        expAvg: state[expAvgName(name)]!,
        expAvgSq: state[expAvgSqName(name)]!,
      };
      const next = adamStep(tensors, gradients[i]!, isDecayed(entry), adam, adamOptions);
      written[name] = next.parameter;
      written[expAvgName(name)] = next.expAvg;
      written[expAvgSqName(name)] = next.expAvgSq;
    });
  });
  for (const name of Object.keys(model.state)) {
    builder.scope(`ema/${name}`, () => {
      written[emaName(name)] = emaStep(state[emaName(name)]!, written[name]!, ema);
    });
  }

  const returned: Record<string, Value> = { loss, logits, ...report(logits, targets) };
  if (returnGradients) {
    parameters.forEach(([name], i) => {
      returned[`grad.${name}`] = gradients[i]!;
    });
  }
  return {
    graph: builder.finish({ ...returned, ...prefixed("next.", written) }),
    reads: prefixedKeys("", Object.keys(state)),
    writes: prefixedKeys("next.", Object.keys(written)),
    finite: ["logits", "loss"],
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

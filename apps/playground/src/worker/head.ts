import {
  ADAM_DEFAULTS,
  adamInputs,
  adamSlots,
  adamStep,
  Builder,
  eliminateDeadCode,
  exactAsymmetricLoss,
  expAvgName,
  expAvgSqName,
  f32,
  grad,
  linear,
  type Model,
  type Program,
  type StateSpec,
  sizeOf,
  type Value,
} from "asl-core";

const isHead = (name: string) => name.startsWith("head.");

const partOf = (state: StateSpec, wanted: (name: string) => boolean): StateSpec =>
  Object.fromEntries(Object.entries(state).filter(([name]) => wanted(name)));

/** The state of a model's classifier: what a lesson trains. */
export const headState = (model: Model): StateSpec => partOf(model.state, isHead);

/** All other state: what a lesson leaves alone. */
export const backboneState = (model: Model): StateSpec => partOf(model.state, (name) => !isHead(name));

/** The linear layers of a TResNet's head, in order: one, or the two of the OpenImages head. */
const LAYERS = ["head.fc.embedding_generator.0", "head.fc", "head.fc.FC"];

/** features: [batch, F]. Logits [batch, classes]. */
function applyHead(features: Value, state: Readonly<Record<string, Value>>): Value {
  return LAYERS.filter((name) => Object.hasOwn(state, `${name}.weight`)).reduce(
    (x, name) => linear(x, state[`${name}.weight`]!, state[`${name}.bias`]!),
    features,
  );
}

const inputsOf = (builder: Builder, spec: StateSpec) =>
  Object.fromEntries(Object.entries(spec).map(([name, { type }]) => [name, builder.input(name, type)]));

const sameNames = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name]));

/** Feeds images [1,3,S,S]; returns features [1,F], the globally pooled output of the last stage. */
export function backboneProgram(model: Model, imageSize: number): Program {
  const builder = new Builder();
  const images = builder.input("images", { dtype: "f32", shape: [1, 3, imageSize, imageSize] });
  const state = inputsOf(builder, backboneState(model));
  // The model computes logits too; they are dead code here, and so is the head.
  const unused = Object.entries(headState(model)).map(([name, { type }]) => {
    return [name, builder.constant(f32(type.shape, new Float32Array(sizeOf(type.shape))))] as const;
  });
  const { stages } = model.apply(images, { ...state, ...Object.fromEntries(unused) }, "eval");
  return {
    graph: eliminateDeadCode(builder.finish({ features: stages.embedding! })),
    reads: sameNames(Object.keys(state)),
    writes: {},
    finite: ["features"],
  };
}

/** Number of features of the head's input. */
export function featureCount(model: Model): number {
  const first = LAYERS.find((name) => Object.hasOwn(model.state, `${name}.weight`))!;
  return model.state[`${first}.weight`]!.type.shape[1]!;
}

/** Feeds features [1,F]; returns logits [1,C]. */
export function headProgram(model: Model): Program {
  const builder = new Builder();
  const features = builder.input("features", { dtype: "f32", shape: [1, featureCount(model)] });
  const state = inputsOf(builder, headState(model));
  return {
    graph: builder.finish({ logits: applyHead(features, state) }),
    reads: sameNames(Object.keys(state)),
    writes: {},
    finite: ["logits"],
  };
}

/** The head with Adam's averages. */
export const lessonState = (model: Model): StateSpec => ({ ...headState(model), ...adamSlots(headState(model)) });

/**
 * One step of Adam on the head with the exact asymmetric loss. Feeds features [N,F], targets [N,C] of 1, 0 and -1 (not
 * taught: no loss, so its weights do not move) and the scalars of `adamFeeds`; returns the loss per picture.
 */
export function lessonProgram(model: Model, pictures: number): Program {
  const builder = new Builder();
  const features = builder.input("features", { dtype: "f32", shape: [pictures, featureCount(model)] });
  const targets = builder.input("targets", { dtype: "f32", shape: [pictures, model.classes] });
  const state = inputsOf(builder, lessonState(model));
  const adam = adamInputs(builder);
  const loss = exactAsymmetricLoss(applyHead(features, state), targets, {
    gammaPos: 0,
    targets: "hard",
    unannotated: { mode: "ignore" },
    reduction: "batchMean",
  });
  const names = Object.keys(headState(model));
  const gradients = grad(
    loss,
    names.map((name) => state[name]!),
  );
  const outputs: Record<string, Value> = { loss };
  const writes: Record<string, string> = {};
  names.forEach((name, i) => {
    const tensors = { parameter: state[name]!, expAvg: state[expAvgName(name)]!, expAvgSq: state[expAvgSqName(name)]! };
    // No decay: it would pull at the labels that are not taught.
    const next = adamStep(tensors, gradients[i]!, false, adam, ADAM_DEFAULTS);
    const written = { [name]: next.parameter, [expAvgName(name)]: next.expAvg, [expAvgSqName(name)]: next.expAvgSq };
    for (const [to, value] of Object.entries(written)) {
      outputs[`next.${to}`] = value;
      writes[`next.${to}`] = to;
    }
  });
  return { graph: builder.finish(outputs), reads: sameNames(Object.keys(state)), writes, finite: ["loss"] };
}

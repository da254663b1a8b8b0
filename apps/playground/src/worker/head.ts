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

const EMBEDDING = "head.fc.embedding_generator.0";

/** The last linear layer, which tells the labels apart. The OpenImages head has another one before it. */
export const lastLayer = (model: Model): string =>
  Object.hasOwn(model.state, "head.fc.FC.weight") ? "head.fc.FC" : "head.fc";

const partOf = (state: StateSpec, wanted: (name: string) => boolean): StateSpec =>
  Object.fromEntries(Object.entries(state).filter(([name]) => wanted(name)));

/** The state of the last layer: what a lesson trains. */
export function headState(model: Model): StateSpec {
  const layer = lastLayer(model);
  return partOf(model.state, (name) => name === `${layer}.weight` || name === `${layer}.bias`);
}

/** All other state: what a lesson leaves alone. */
export const backboneState = (model: Model): StateSpec =>
  partOf(model.state, (name) => !Object.hasOwn(headState(model), name));

type Values = Readonly<Record<string, Value>>;

/** features: [batch, F]. Logits [batch, classes]. */
const applyHead = (features: Value, state: Values, layer: string): Value =>
  linear(features, state[`${layer}.weight`]!, state[`${layer}.bias`]!);

const inputsOf = (builder: Builder, spec: StateSpec) =>
  Object.fromEntries(Object.entries(spec).map(([name, { type }]) => [name, builder.input(name, type)]));

const sameNames = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name]));

/** Feeds images [1,3,S,S]; returns features [1,F], the input of the last layer. */
export function backboneProgram(model: Model, imageSize: number): Program {
  const builder = new Builder();
  const images = builder.input("images", { dtype: "f32", shape: [1, 3, imageSize, imageSize] });
  const state = inputsOf(builder, backboneState(model));
  // The model computes logits too; they are dead code here, and so is the head.
  const unused = Object.entries(headState(model)).map(([name, { type }]) => {
    return [name, builder.constant(f32(type.shape, new Float32Array(sizeOf(type.shape))))] as const;
  });
  const { stages } = model.apply(images, { ...state, ...Object.fromEntries(unused) }, "eval");
  const embedding = stages.embedding!;
  const features = Object.hasOwn(state, `${EMBEDDING}.weight`) ? applyHead(embedding, state, EMBEDDING) : embedding;
  return {
    graph: eliminateDeadCode(builder.finish({ features })),
    reads: sameNames(Object.keys(state)),
    writes: {},
    finite: ["features"],
  };
}

/** Number of features of the last layer. */
export const featureCount = (model: Model): number => model.state[`${lastLayer(model)}.weight`]!.type.shape[1]!;

/** Feeds features [1,F]; returns logits [1,C]. */
export function headProgram(model: Model): Program {
  const builder = new Builder();
  const features = builder.input("features", { dtype: "f32", shape: [1, featureCount(model)] });
  const state = inputsOf(builder, headState(model));
  return {
    graph: builder.finish({ logits: applyHead(features, state, lastLayer(model)) }),
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
  const loss = exactAsymmetricLoss(applyHead(features, state, lastLayer(model)), targets, {
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

import {
  adamFeeds,
  asymmetricLossOptimized,
  createRandom,
  emaFeeds,
  evaluateProgram,
  f32,
  initialize,
  sizeOf,
  trainingState,
  trainProgram,
  tresnet,
  tresnetConfig,
} from "asl-core";

/** 20 classes each: of the small one most of the time goes into layers, not into calls. */
export const NETWORKS = {
  small: { classes: 20, blocks: [1, 1, 1, 1], widthFactor: 0.25 },
  "tresnet-m": { classes: 20 },
};

/** A compiled training step or evaluation with its starting state; `run` takes pictures and targets. */
export async function openTask(backend, { task, network, batchSize, imageSize }) {
  const model = tresnet(tresnetConfig("tresnet_m", NETWORKS[network]));
  const trains = task === "train";
  const loss = (logits, targets) =>
    asymmetricLossOptimized(logits, targets, { gammaPos: 0, detachFocusingWeight: true, targets: "hard" });
  const program = trains
    ? trainProgram({ model, batchSize, imageSize, loss })
    : evaluateProgram({ model, batchSize, imageSize });
  const state = trains ? trainingState(model) : model.state;
  const session = await backend.compile(state, { program });
  await session.write(initialize(state, 0));
  let step = 0;
  return {
    async run({ images, targets }) {
      if (!trains) return session.run("program", { images });
      step += 1;
      const feeds = { ...adamFeeds({ learningRate: 1e-4, beta1: 0.9, step }), ...emaFeeds(0.9997) };
      return session.run("program", { images, targets, ...feeds });
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

/** Noise as pictures, and about a tenth of the targets 1. */
export function noise({ network, batchSize, imageSize }) {
  const random = createRandom("growth");
  const tensor = (shape, value) =>
    f32(
      shape,
      Float32Array.from({ length: sizeOf(shape) }, () => value(random.uniform())),
    );
  return {
    images: tensor([batchSize, 3, imageSize, imageSize], (x) => x),
    targets: tensor([batchSize, NETWORKS[network].classes], (x) => (x < 0.1 ? 1 : 0)),
  };
}

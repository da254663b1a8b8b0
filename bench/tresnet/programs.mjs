// What bench tresnet and bench profile run: programs on a state, and what they are fed.
import {
  adamFeeds,
  asymmetricLossOptimized,
  build,
  createRandom,
  emaFeeds,
  evaluateProgram,
  f32,
  sizeOf,
  trainingState,
  trainProgram,
  tresnet,
} from "asl-core";

const random = createRandom(0);
const uniform = (shape) =>
  f32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => random.uniform()),
  );

/** A program on its state and what it is fed at step n. */
export const TASKS = {
  train({ config, size, batch }) {
    const model = tresnet(config);
    const state = trainingState(model);
    const loss = (logits, targets) =>
      asymmetricLossOptimized(logits, targets, { gammaPos: 0, detachFocusingWeight: true, targets: "hard" });
    const images = uniform([batch, 3, size, size]);
    const dice = uniform([batch, config.classes]);
    const targets = f32(
      dice.type.shape,
      dice.data.map((value) => (value < 0.1 ? 1 : 0)),
    );
    return {
      state,
      program: trainProgram({ model, batchSize: batch, imageSize: size, loss }),
      feeds: (step) => ({
        images,
        targets,
        ...adamFeeds({ learningRate: 1e-4, beta1: 0.9, step }),
        ...emaFeeds(0.9997),
      }),
    };
  },
  infer({ config, size, batch }) {
    const model = tresnet(config);
    const images = uniform([batch, 3, size, size]);
    return {
      state: model.state,
      program: evaluateProgram({ model, batchSize: batch, imageSize: size }),
      feeds: () => ({ images }),
    };
  },
  /** The product of two square matrices: what the machine can do. */
  sgemm({ size }) {
    const [a, b] = [uniform([size, size]), uniform([size, size])];
    const graph = build((builder) => {
      const inputs = [builder.input("a", a.type), builder.input("b", b.type)];
      return { c: builder.apply("matmul", inputs, {}) };
    });
    return { state: {}, program: { graph, reads: {}, writes: {}, finite: [] }, feeds: () => ({ a, b }) };
  },
};

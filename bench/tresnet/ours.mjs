// Our side of bench tresnet, a process of its own so that its memory can be compared. Reads one JSON request a line,
// answers one JSON line, as ../peers/tresnet.py does.
import { createInterface } from "node:readline";
import {
  adamFeeds,
  asymmetricLossOptimized,
  build,
  createRandom,
  emaFeeds,
  evaluateProgram,
  f32,
  initialTensors,
  sizeOf,
  trainingState,
  trainProgram,
  tresnet,
} from "asl-core";
import { onnxNodeBackend } from "asl-onnx/node";

const random = createRandom(0);
const uniform = (shape) =>
  f32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => random.uniform()),
  );

/** A program on its state and what it is fed at step n. */
const TASKS = {
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

async function prepare(request) {
  const { state, program, feeds } = TASKS[request.task](request);
  const session = await onnxNodeBackend({ threads: request.threads }).compile(state, { program });
  for (const [name, tensor] of initialTensors(state, 0)) await session.write({ [name]: tensor });
  let step = 0;
  return async () => {
    step += 1;
    const fed = feeds(step);
    const start = performance.now();
    await session.run("program", fed);
    return (performance.now() - start) / 1000;
  };
}

let step;
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;
  if (request.task === "step") answer = { seconds: await step() };
  else if (request.task === "memory") answer = { bytes: process.resourceUsage().maxRSS * 1024 };
  else {
    step = await prepare(request);
    answer = { ready: true };
  }
  console.log(JSON.stringify(answer));
}
process.exit(0);

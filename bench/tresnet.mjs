// How long do a training step and an inference take, against PyTorch eager on the same cores?
import {
  adamFeeds,
  asymmetricLossOptimized,
  createRandom,
  emaFeeds,
  evaluateProgram,
  f32,
  initialize,
  trainingState,
  trainProgram,
  tresnet,
  tresnetConfig,
} from "asl-core";
import { onnxNodeBackend } from "asl-onnx/node";
import { openPeer } from "./peer.mjs";
import { median } from "./table.mjs";

const CASES = [
  { name: "train TResNet-M 224 px, batch 1", task: "train", variant: "tresnet_m", size: 224, batch: 1 },
  { name: "train TResNet-M 224 px, batch 8", task: "train", variant: "tresnet_m", size: 224, batch: 8 },
  { name: "infer TResNet-M 224 px, batch 1", task: "infer", variant: "tresnet_m", size: 224, batch: 1 },
  { name: "infer TResNet-M 224 px, batch 8", task: "infer", variant: "tresnet_m", size: 224, batch: 8 },
  {
    name: "train demo net 64 px, batch 64",
    task: "train",
    variant: "tresnet_m",
    options: { blocks: [2, 2, 2, 1], widthFactor: 0.5 },
    size: 64,
    batch: 64,
  },
];

const CLASSES = 80;

/** Interleaves our steps with the peer's; medians in seconds. */
export async function run({ runs, only, threads, report }) {
  const rows = [];
  for (const each of CASES.filter(({ name }) => name.includes(only))) {
    report(`${each.name} ...`);
    rows.push(await measure(each, { runs, threads }));
  }
  return { rows };
}

async function measure({ name, task, variant, options = {}, size, batch }, { runs, threads }) {
  const config = tresnetConfig(variant, { classes: CLASSES, ...options });
  const ours = await openOurs(task, config, size, batch, threads);
  const peer = openPeer("tresnet.py", { threads });
  try {
    const { blocks, planes } = config;
    const { version } = await peer.ask({ task, blocks, planes, classes: CLASSES, batch, size, threads });
    await ours.step();
    await peer.ask({ task: "step" });
    const times = { ours: [], peer: [] };
    for (let i = 0; i < runs; i++) {
      times.ours.push(await ours.step());
      times.peer.push((await peer.ask({ task: "step" })).seconds);
    }
    const [a, b] = [median(times.ours), median(times.peer)];
    return { name, ours: a, peer: b, ratio: a / b, runs, note: `PyTorch ${version}, ${threads} threads` };
  } finally {
    peer.close();
    await ours.session[Symbol.asyncDispose]();
  }
}

async function openOurs(task, config, imageSize, batchSize, threads) {
  const model = tresnet(config);
  const random = createRandom(0);
  const uniform = (shape) =>
    f32(
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.uniform()),
    );
  const images = uniform([batchSize, 3, imageSize, imageSize]);
  const training = task === "train";
  const state = training ? trainingState(model) : model.state;
  const program = training
    ? trainProgram({
        model,
        batchSize,
        imageSize,
        loss: (logits, targets) =>
          asymmetricLossOptimized(logits, targets, { gammaPos: 0, detachFocusingWeight: true, targets: "hard" }),
      })
    : evaluateProgram({ model, batchSize, imageSize });
  const session = await onnxNodeBackend({ threads }).compile(state, { program });
  await session.write(initialize(state, 0));
  const targets = uniform([batchSize, config.classes]);
  const hard = f32(
    targets.type.shape,
    targets.data.map((value) => (value < 0.1 ? 1 : 0)),
  );
  let number = 0;
  return {
    session,
    async step() {
      number += 1;
      const hyper = { ...adamFeeds({ learningRate: 1e-4, beta1: 0.9, step: number }), ...emaFeeds(0.9997) };
      const start = performance.now();
      await session.run("program", training ? { images, targets: hard, ...hyper } : { images });
      return (performance.now() - start) / 1000;
    },
  };
}

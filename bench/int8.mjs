// How much faster is a quantised file than the float32 file that it is made of, in ONNX Runtime on the same threads?
import { createRandom, evaluateProgram, f32, initialize, sizeOf, tresnet, tresnetConfig } from "asl-core";
import { exportOnnx } from "asl-onnx";
import { openOnnxModelNode, quantizeOnnxNode } from "asl-onnx/node";
import { median } from "./table.mjs";

const SIZE = 224;
const CLASSES = 80;
const CASES = [1, 8].map((batch) => ({ name: `infer TResNet-M ${SIZE} px, batch ${batch}`, batch }));

/** Initial weights: time does not depend on them. Every layer in int8; ranges from two pictures of noise. */
export async function run({ runs, only, threads, report }) {
  const files = await makeFiles(report);
  const rows = [];
  for (const each of CASES.filter(({ name }) => name.includes(only))) {
    report(`${each.name} ...`);
    rows.push(await measure(each, files, { runs, threads }));
  }
  return { rows, trailer: "ours: int8 (QDQ); peer: the float32 file." };
}

async function makeFiles(report) {
  const model = tresnet(tresnetConfig("tresnet_m", { classes: CLASSES }));
  const graph = (batchSize) => evaluateProgram({ model, batchSize, imageSize: SIZE }).graph;
  const float = exportOnnx({ graph, state: initialize(model.state, 0), batch: "dynamic" });
  const pictures = [noise(1), noise(1)];
  const { bytes: int8 } = await quantizeOnnxNode(float, {
    pictures: async function* () {
      yield* pictures;
    },
    maxError: Number.POSITIVE_INFINITY,
    errorPictures: 1,
    onProgress: ({ stage, done, total }) =>
      stage === "measure" && done % 20 === 0 && report(`quantise: layer ${done}/${total}`),
  });
  return { float, int8 };
}

function noise(batch) {
  const shape = [batch, 3, SIZE, SIZE];
  const random = createRandom(batch);
  return {
    images: f32(
      shape,
      Float32Array.from({ length: sizeOf(shape) }, () => random.uniform()),
    ),
  };
}

async function measure({ name, batch }, { float, int8 }, { runs, threads }) {
  const ours = await openOnnxModelNode(int8, { threads });
  const peer = await openOnnxModelNode(float, { threads });
  const times = { ours: [], peer: [] };
  try {
    const feeds = noise(batch);
    const seconds = async (session) => {
      const start = performance.now();
      await session.run(feeds);
      return (performance.now() - start) / 1000;
    };
    for (const session of [ours, peer]) await seconds(session);
    for (let i = 0; i < runs; i++) {
      times.ours.push(await seconds(ours));
      times.peer.push(await seconds(peer));
    }
  } finally {
    await ours[Symbol.asyncDispose]();
    await peer[Symbol.asyncDispose]();
  }
  const [a, b] = [median(times.ours), median(times.peer)];
  const megabytes = (bytes) => (bytes.length / 1e6).toFixed(1);
  const note = `${threads} thread${threads === 1 ? "" : "s"}; ${megabytes(int8)} MB against ${megabytes(float)} MB`;
  return { name, ours: a, peer: b, ratio: a / b, runs, note };
}

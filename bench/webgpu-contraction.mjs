// How fast are the contractions of TResNet-M on WebGPU beside TensorFlow.js and ONNX Runtime Web? All three on the same
// adapter, SwiftShader, in one Chromium (Debian's package chromium), from arrays in the page to arrays in the page, in turn.
import { Builder, createRandom, f32, sizeOf } from "asl-core";
import { openSides, PEERS, race, rowsOf } from "./webgpu/sides.mjs";

/** Convolutions of TResNet-M at 224 px; stride 1 and as much padding as keeps the image's size. */
const CONVOLUTIONS = [
  { name: "stem 3x3", channels: 48, extent: 56, outputs: 64, kernel: 3 },
  { name: "layer1 3x3", channels: 64, extent: 56, outputs: 64, kernel: 3 },
  { name: "layer2 3x3", channels: 128, extent: 28, outputs: 128, kernel: 3 },
  { name: "layer3 3x3", channels: 256, extent: 14, outputs: 256, kernel: 3 },
  { name: "layer3 1x1 up", channels: 256, extent: 14, outputs: 1024, kernel: 1 },
  { name: "layer3 1x1 down", channels: 1024, extent: 14, outputs: 256, kernel: 1 },
  { name: "layer4 3x3", channels: 512, extent: 7, outputs: 512, kernel: 3 },
  { name: "layer4 1x1 up", channels: 512, extent: 7, outputs: 2048, kernel: 1 },
];
const PASSES = ["conv2d", "conv2dInputGrad", "conv2dKernelGrad"];

/** Rows {name, ours, peer, ratio, runs, note}; medians in seconds. One row for each peer. */
export async function run({ runs, only, report }) {
  const opened = await openSides();
  const rows = [];
  try {
    for (const convolution of CONVOLUTIONS) {
      for (const op of PASSES) {
        const name = `${convolution.name} ${op}`;
        if (!name.includes(only)) continue;
        report(`${name} ...`);
        const { flops, leastBytes, ...problem } = problemOf(op, convolution);
        const outcome = await race(opened, { ...problem, runs, compare: compareElements });
        const speed = `${(flops / outcome.ours.wall / 1e9).toFixed(2)} GFLOP/s, at least ${(leastBytes / 1e6).toFixed(1)} MB`;
        rows.push(...rowsOf(name, outcome, () => speed).map((row) => ({ ...row, flops, leastBytes })));
      }
    }
  } finally {
    await opened.close();
  }
  return { rows };
}

function problemOf(op, { channels, extent, outputs, kernel }) {
  const pad = (kernel - 1) / 2;
  const attrs = {
    strides: [1, 1],
    padding: [
      [pad, pad],
      [pad, pad],
    ],
    dilations: [1, 1],
    groups: 1,
  };
  const x = [1, channels, extent, extent];
  const w = [outputs, channels, kernel, kernel];
  const y = [1, outputs, extent, extent];
  const [shapes, result, own] = {
    conv2d: [[x, w], y, {}],
    conv2dInputGrad: [[y, w], x, { inputShape: x }],
    conv2dKernelGrad: [[x, y], w, { kernelShape: w }],
  }[op];
  const random = createRandom(1, op);
  const tensor = (shape) =>
    f32(
      shape,
      Float32Array.from({ length: sizeOf(shape) }, () => random.between(-1, 1)),
    );
  const builder = new Builder();
  const values = shapes.map((shape, i) => builder.input(`in${i}`, { dtype: "f32", shape }));
  const graph = builder.finish({ y: builder.apply(op, values, { ...attrs, ...own }) });
  return {
    state: {},
    program: { graph, reads: {}, writes: {}, finite: [] },
    feeds: Object.fromEntries(shapes.map((shape, i) => [`in${i}`, tensor(shape)])),
    flops: 2 * sizeOf(y) * channels * kernel * kernel,
    leastBytes: 4 * [...shapes, result].reduce((sum, shape) => sum + sizeOf(shape), 0),
  };
}

/**
 * Throws when ONNX Runtime's elements are not ours. TensorFlow.js lays its arrays out otherwise; only their number is
 * compared here, its numbers are in `bench webgpu`.
 */
function compareElements({ ours, ...others }) {
  const own = ours.y.data;
  for (const [peer, { y }] of Object.entries(others)) {
    if (y.data.length !== own.length) throw new Error(`${PEERS[peer]}: ${y.data.length} elements; ours ${own.length}`);
  }
  const largest = own.reduce((most, element) => Math.max(most, Math.abs(element)), 0);
  const wrong = own.findIndex((element, i) => !(Math.abs(element - others.ort.y.data[i]) <= 1e-4 * largest));
  if (wrong !== -1) {
    throw new Error(
      `element ${wrong}: ours ${own[wrong]}, ${PEERS.ort} ${others.ort.y.data[wrong]}: one of them is wrong`,
    );
  }
}

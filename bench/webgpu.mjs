// How fast is the forward pass of TResNet-M on WebGPU beside TensorFlow.js and ONNX Runtime Web? All three on the same
// adapter, SwiftShader, in one Chromium (Debian's package chromium), each in a page of its own, in turn.
import { createRandom, evaluateProgram, f32, initialize, sizeOf, tresnet, tresnetConfig } from "asl-core";
import { explain, planMemory } from "asl-webgpu";
import { openSides, PEERS, race, rowsOf } from "./webgpu/sides.mjs";

const CLASSES = 80;
const CASES = [
  { name: "TResNet-M 224 px, batch 1", variant: "tresnet_m", imageSize: 224, batchSize: 1 },
  // the same shapes of layers at a size that shows in seconds whether all is well
  {
    name: "small 64 px, batch 1",
    variant: "tresnet_m",
    widthFactor: 0.25,
    blocks: [1, 1, 1, 1],
    imageSize: 64,
    batchSize: 1,
  },
];
/** Share of the largest logit by which two sides may differ before one of them is called wrong. */
const LARGEST_DIFFERENCE = 1e-3;

/** Rows {name, ours, peer, ratio, runs, note}; medians in seconds. One row for each peer. */
export async function run({ runs, only, report }) {
  const opened = await openSides();
  const rows = [];
  const plans = [];
  try {
    for (const each of CASES.filter(({ name }) => name.includes(only))) {
      report(`${each.name} ...`);
      const problem = problemOf(each);
      const outcome = await race(opened, { ...problem, runs, report, compare: compareLogits });
      plans.push({ name: each.name, ...planOf(problem.program) });
      const note = (peer) =>
        `buffers ${megabytes(outcome.ours.bufferBytes)} / ${megabytes(outcome[peer].bufferBytes)} MB; logits differ by ${outcome.agreement[peer].toExponential(0)}`;
      rows.push(...rowsOf(each.name, outcome, note));
    }
  } finally {
    await opened.close();
  }
  return { rows, plans, trailer: plans.map(formatPlan).join("\n") };
}

function problemOf({ variant, widthFactor, blocks, imageSize, batchSize }) {
  const options = {
    ...(widthFactor === undefined ? {} : { widthFactor }),
    ...(blocks === undefined ? {} : { blocks }),
  };
  const model = tresnet(tresnetConfig(variant, { classes: CLASSES, ...options }));
  const program = evaluateProgram({ model, batchSize, imageSize });
  const random = createRandom(1);
  const shape = [batchSize, 3, imageSize, imageSize];
  const images = f32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => random.uniform()),
  );
  return { state: model.state, weights: trained(initialize(model.state, 0), random), program, feeds: { images } };
}

/** As after training: the batch norms are no identities, and none hides its block. */
function trained(weights, random) {
  const range = { weight: [0.25, 0.75], bias: [-0.1, 0.1], running_mean: [-0.1, 0.1], running_var: [0.5, 1.5] };
  const isNorm = (name) => weights[name.replace(/[^.]+$/, "running_mean")] !== undefined;
  return Object.fromEntries(
    Object.entries(weights).map(([name, tensor]) => {
      if (!isNorm(name)) return [name, tensor];
      const [low, high] = range[name.slice(name.lastIndexOf(".") + 1)];
      return [
        name,
        f32(
          tensor.type.shape,
          tensor.data.map(() => random.between(low, high)),
        ),
      ];
    }),
  );
}

/** Of each peer the largest difference from our logits, as a share of the largest logit. Throws when one is wrong. */
function compareLogits({ ours, ...others }) {
  const own = ours.logits.data;
  const largest = own.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
  return Object.fromEntries(
    Object.keys(PEERS).map((peer) => {
      const theirs = others[peer].logits.data;
      const difference = own.reduce((most, logit, i) => Math.max(most, Math.abs(logit - theirs[i])), 0) / largest;
      if (!(difference <= LARGEST_DIFFERENCE) || theirs.length !== own.length) {
        throw new Error(
          `logits of ours and ${PEERS[peer]} differ by ${difference} of the largest: one of them is wrong`,
        );
      }
      return [peer, difference];
    }),
  );
}

/** What our kernels move and take, and what no plan can do without. */
function planOf(program) {
  const { kernels, bytes, lowerBoundBytes, flops } = explain(program);
  const { plannedBytes, lowerBoundBytes: leastPlanned, naiveBytes, peakBytes } = planMemory(program);
  return {
    kernels: kernels.length,
    flops,
    moved: { bytes, lowerBoundBytes },
    memory: { plannedBytes, lowerBoundBytes: leastPlanned, naiveBytes, peakBytes },
  };
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

const formatPlan = ({ name, kernels, flops, moved, memory }) =>
  `${name}: ${kernels} kernels, ${(flops / 1e9).toFixed(2)} GFLOP; moved ${megabytes(moved.bytes)} MB, lower bound ` +
  `${megabytes(moved.lowerBoundBytes)} MB; values between kernels ${megabytes(memory.plannedBytes)} MB, lower bound ` +
  `${megabytes(memory.lowerBoundBytes)} MB, a buffer for each ${megabytes(memory.naiveBytes)} MB; all ${megabytes(memory.peakBytes)} MB`;

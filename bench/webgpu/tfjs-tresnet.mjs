import * as tf from "@tensorflow/tfjs-core";

const ABN_WEIGHT_EPSILON = 1e-5;
const BATCH_NORM_EPSILON = 1e-5;
const STEM_SLOPE = 0.01;
const SLOPE = 0.001;

/** TResNet's inference on TensorFlow.js from a state with the official keys. */
export function tfjsTresnet(state) {
  const has = (name) => state[name] !== undefined;
  const weights = tf.tidy(() => prepare(state));
  const conv = (x, name, slope) =>
    tf.fused.conv2d({
      x,
      filter: weights[`${name}.kernel`],
      bias: weights[`${name}.bias`],
      strides: 1,
      pad: "same",
      ...(slope === undefined ? {} : { activation: "leakyrelu", leakyreluAlpha: slope }),
    });
  const dense = (x, name, activation) =>
    tf.fused.conv2d({
      x,
      filter: weights[`${name}.kernel`],
      bias: weights[`${name}.bias`],
      strides: 1,
      pad: "same",
      activation,
    });
  const blur = (x) => {
    const padded = tf.mirrorPad(
      x,
      [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ],
      "reflect",
    );
    return tf.depthwiseConv2d(padded, weights[`blur ${x.shape[3]}`], 2, "valid");
  };
  const squeezeExcite = (x, name) => {
    const squeezed = dense(tf.mean(x, [1, 2], true), `${name}.fc1`, "relu");
    return tf.mul(x, dense(squeezed, `${name}.fc2`, "sigmoid"));
  };
  /** A layer that the state may have under two names: with the blur-pool behind it, or without. */
  const maybeBlurred = (x, name) =>
    has(`${name}.0.0.weight`) ? blur(conv(x, `${name}.0`, SLOPE)) : conv(x, name, SLOPE);
  const block = (x, name) => {
    const isBottleneck = has(`${name}.conv3.0.weight`);
    let y = maybeBlurred(x, `${name}.conv1`);
    y = isBottleneck ? maybeBlurred(y, `${name}.conv2`) : conv(y, `${name}.conv2`);
    if (has(`${name}.se.fc1.weight`)) y = squeezeExcite(y, `${name}.se`);
    if (isBottleneck) y = conv(y, `${name}.conv3`);
    return tf.relu(tf.add(y, shortcut(x, `${name}.downsample`)));
  };
  const shortcut = (x, name) => {
    if (has(`${name}.0.0.weight`)) return conv(x, `${name}.0`);
    return has(`${name}.1.0.weight`) ? conv(tf.avgPool(x, 2, 2, "same"), `${name}.1`) : x;
  };
  return {
    apply({ images }) {
      const [n, c, h, w] = images.type.shape;
      const blocks = tf.reshape(tf.tensor(images.data, [n, c, h, w]), [n, c, h / 4, 4, w / 4, 4]);
      const x = tf.reshape(tf.transpose(blocks, [0, 2, 4, 3, 5, 1]), [n, h / 4, w / 4, 16 * c]);
      let y = conv(x, "body.conv1", STEM_SLOPE);
      for (
        let stage = 1;
        has(`body.layer${stage}.0.conv1.0.weight`) || has(`body.layer${stage}.0.conv1.0.0.weight`);
        stage++
      ) {
        for (let i = 0; Object.keys(state).some((name) => name.startsWith(`body.layer${stage}.${i}.`)); i++) {
          y = block(y, `body.layer${stage}.${i}`);
        }
      }
      const embedding = tf.mean(y, [1, 2]);
      return tf.fused.matMul({ a: embedding, b: weights["head.fc.kernel"], bias: weights["head.fc.bias"] });
    },
    dispose: () => tf.dispose(weights),
  };
}

/** Kernels [h, w, inputs, outputs] with the batch norm behind them folded in; biases [outputs]. */
function prepare(state) {
  const data = (name) => state[name].data;
  const weights = {};
  for (const [name, { type }] of Object.entries(state)) {
    if (name === "head.fc.weight") {
      weights["head.fc.kernel"] = tf.transpose(tf.tensor(data(name), type.shape));
      weights["head.fc.bias"] = tf.tensor1d(data("head.fc.bias"));
    } else if (type.shape.length === 4) {
      const [outputs, inputs, height, width] = type.shape;
      const isBiased = state[name.replace(/weight$/, "bias")] !== undefined;
      const layer = isBiased ? name.slice(0, -".weight".length) : name.slice(0, -".0.weight".length);
      const { gain, bias } = isBiased
        ? { gain: new Float32Array(outputs).fill(1), bias: data(`${layer}.bias`) }
        : batchNorm(data, `${layer}.1`);
      const size = inputs * height * width;
      const folded = Float32Array.from(data(name), (weight, i) => weight * gain[Math.floor(i / size)]);
      weights[`${layer}.kernel`] = tf.transpose(tf.tensor(folded, type.shape), [2, 3, 1, 0]);
      weights[`${layer}.bias`] = tf.tensor1d(bias);
      // one filter for each width that a blur-pool may have
      weights[`blur ${outputs}`] ??= tf.tensor(blurFilter(outputs), [3, 3, outputs, 1]);
    }
  }
  return weights;
}

/** y = gain x + bias. */
function batchNorm(data, name) {
  const [weight, offset, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map((part) =>
    data(`${name}.${part}`),
  );
  const gain = Float32Array.from(
    weight,
    (w, i) => (Math.abs(w) + ABN_WEIGHT_EPSILON) / Math.sqrt(variance[i] + BATCH_NORM_EPSILON),
  );
  return { gain, bias: Float32Array.from(offset, (b, i) => b - mean[i] * gain[i]) };
}

function blurFilter(channels) {
  const taps = [1, 2, 1].flatMap((a) => [1, 2, 1].map((b) => (a * b) / 16));
  return Float32Array.from({ length: 9 * channels }, (_, i) => taps[Math.floor(i / channels)]);
}

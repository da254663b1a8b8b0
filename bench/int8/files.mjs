// TResNet with all layers in int8 beside the float32 file: time does not depend on what the weights are.
import { createRandom, evaluateProgram, f32, initialize, sizeOf, tresnet, tresnetConfig } from "asl-core";
import { exportOnnx } from "asl-onnx";
import { quantizeOnnxNode } from "asl-onnx/node";

export const SIZE = 224;
const CLASSES = 80;

/** {config, float, int8, report}. Every layer in int8; ranges from two pictures of noise. */
export async function makeFiles(variant, { weightBits = 7 } = {}) {
  const config = tresnetConfig(variant, { classes: CLASSES });
  const model = tresnet(config);
  const graph = (batchSize) => evaluateProgram({ model, batchSize, imageSize: SIZE }).graph;
  const float = exportOnnx({ graph, state: trained(initialize(model.state, 0)), batch: "dynamic" });
  const pictures = [noise(1), noise(1)];
  const { bytes: int8, report: quantization } = await quantizeOnnxNode(float, {
    pictures: async function* () {
      yield* pictures;
    },
    weightBits,
    maxError: Number.POSITIVE_INFINITY,
    errorPictures: 1,
    layerErrors: false,
  });
  return { config, float, int8, quantization };
}

/** No batch norm is an identity, or hides its block as the last of each does before training. */
export function trained(state) {
  const random = createRandom(1);
  const ranges = { weight: [0.5, 1], bias: [-0.2, 0.2], running_mean: [-0.1, 0.1], running_var: [0.5, 1.5] };
  return Object.fromEntries(
    Object.entries(state).map(([name, { type }]) => {
      const leaf = name.slice(name.lastIndexOf(".") + 1);
      const isNorm = state[name.replace(/[^.]+$/, "running_mean")] !== undefined;
      if (!isNorm || ranges[leaf] === undefined) return [name, state[name]];
      const [low, high] = ranges[leaf];
      const draw = () => low + (high - low) * random.uniform();
      return [name, f32(type.shape, Float32Array.from({ length: sizeOf(type.shape) }, draw))];
    }),
  );
}

export function noise(batch) {
  const shape = [batch, 3, SIZE, SIZE];
  const random = createRandom(batch);
  return {
    images: f32(
      shape,
      Float32Array.from({ length: sizeOf(shape) }, () => random.uniform()),
    ),
  };
}

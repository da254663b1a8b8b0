// TResNet with all layers in int8 beside the float32 file: time does not depend on what the weights are.
import { createRandom, evaluateProgram, f32, initialize, sizeOf, tresnet, tresnetConfig } from "asl-core";
import { exportOnnx } from "asl-onnx";
import { quantizeOnnxNode } from "asl-onnx/node";

export const SIZE = 224;
export const CLASSES = 80;

/** {config, float, int8, report}. Every layer in int8; ranges from two pictures of noise. */
export async function makeFiles(variant, { weightBits = 7 } = {}) {
  const config = tresnetConfig(variant, { classes: CLASSES });
  const model = tresnet(config);
  const graph = (batchSize) => evaluateProgram({ model, batchSize, imageSize: SIZE }).graph;
  const float = exportOnnx({ graph, state: asTrained(initialize(model.state, 0)), batch: "dynamic" });
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

/** No batch norm hides its block, as the last of each does before training. */
function asTrained(state) {
  const random = createRandom(1);
  return Object.fromEntries(
    Object.entries(state).map(([name, tensor]) => {
      const isScale = state[name.replace(/weight$/, "running_mean")] !== undefined && name.endsWith("weight");
      return [
        name,
        isScale
          ? f32(
              tensor.type.shape,
              tensor.data.map(() => 0.5 + 0.5 * random.uniform()),
            )
          : tensor,
      ];
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

// One network in float32 and in int8 over its validation pictures.

import { openModel } from "asl-cli";
import { meanAveragePrecision } from "asl-core";
import { createLoader, openCoco } from "asl-data";
import { buildOnnx, calibrationPictures, exportInt8 } from "asl-export";
import { openOnnxModelNode } from "asl-onnx/node";
import { sigmoidScores } from "asl-training";
import { disposing } from "../comparison/disposing.mjs";

const BATCH = 16;

/** {model, float, expected}: the float32 file and what it answers, mAP in percent. */
export async function openNetwork({ checkpoint, sources }, context) {
  const model = await openModel(checkpoint);
  const float = buildOnnx(model, "dynamic");
  return { model, float, sources, expected: await answersOf(float, { model, sources }, context) };
}

/**
 * Quantises as `asl-export --int8 --calibrate` does, on the training pictures, and measures on the validation pictures:
 * mAP in percent, its difference from float32, the worst logit and ||quantised - float|| / ||float||.
 */
export async function measureInt8(network, { calibration, biasCorrection, weightBits, maxError }, context) {
  const { model, float, sources, expected } = network;
  const options = { int8: true, calibrate: sources.training.pictures, batch: "dynamic", calibration, biasCorrection };
  const files = await calibrationPictures(options);
  const { bytes, report } = await exportInt8(float, model, files, { ...options, weightBits, maxError }, context);
  const found = await answersOf(bytes, network, context);
  let [worst, difference, size] = [0, 0, 0];
  for (const [i, logit] of expected.logits.entries()) {
    const error = found.logits[i] - logit;
    worst = Math.max(worst, Math.abs(error));
    difference += error ** 2;
    size += logit ** 2;
  }
  return {
    mAP: found.mAP,
    difference: found.mAP - expected.mAP,
    worstLogit: worst,
    logitError: Math.sqrt(difference / size),
    calibrationError: report.error,
    errorOfAll: report.errorOfAll,
    layers: report.layers.length,
    float32: report.layers.filter(({ kept }) => kept === "float32").map(({ name }) => name),
    bytes: bytes.length,
    float32Bytes: float.length,
  };
}

async function answersOf(bytes, { model, sources }, { report, signal }) {
  const { imageSize, resizeFilter: filter } = model;
  const dataset = await openCoco(sources.validation);
  const file = await openOnnxModelNode(bytes);
  const loader = createLoader(dataset, { imageSize, filter, signal, batchSize: BATCH, lastBatch: "pad" });
  const classes = loader.classes.length;
  const logits = new Float32Array(loader.itemCount * classes);
  const targets = new Float32Array(logits.length);
  const progress = report.progress({ label: "validate", total: loader.itemCount, unit: "images" });
  let rows = 0;
  await disposing([file, loader], async () => {
    for await (const batch of loader.epoch(0)) {
      const found = await file.run({ images: batch.images });
      const real = batch.names.length * classes;
      logits.set(found.logits.data.subarray(0, real), rows * classes);
      targets.set(batch.targets.data.subarray(0, real), rows * classes);
      rows += batch.names.length;
      progress.update(rows);
    }
  });
  progress.stop();
  return { logits, rows, mAP: meanAveragePrecision(sigmoidScores(logits), targets, [rows, classes]).mAP };
}

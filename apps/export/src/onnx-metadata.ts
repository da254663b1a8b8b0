import type { OpenedModel } from "asl-cli";
import { encodeClassifierMetadata } from "asl-onnx";

/** What an exported file says about itself, from what its checkpoint says. */
export function onnxMetadata(model: OpenedModel): Readonly<Record<string, string>> {
  const { architecture, metadata } = model;
  return encodeClassifierMetadata({
    labels: model.classNames,
    thresholds: model.thresholds,
    thresholdCalibration: model.calibration,
    imageSize: model.imageSize,
    resizeFilter: model.resizeFilter,
    modelVariant: architecture.variant,
    modelArchitecture: architecture,
    trainingRecipe: metadata?.recipe ?? {},
    trainingStep: metadata?.step ?? null,
    trainingEpoch: metadata?.epoch ?? null,
    trainingMetrics: metadata?.metrics ?? {},
    weights: metadata?.weights ?? "regular",
  });
}

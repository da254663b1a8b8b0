import type { OpenedModel } from "asl-cli";
import type { ResizeFilter } from "asl-data";

/** What pictures were squeezed with in training, where the checkpoint does not say. */
const DEFAULT_FILTER: ResizeFilter = "bicubic";

/**
 * The metadata_props of an exported file: all that is needed to use it without its checkpoint. Lists and objects are
 * JSON. The keys are a public format; `asl-infer` reads them.
 */
export function onnxMetadata(model: OpenedModel): Readonly<Record<string, string>> {
  const filter = model.resizeFilter ?? DEFAULT_FILTER;
  const { architecture, imageSize, metadata } = model;
  return {
    labels: JSON.stringify(model.classNames),
    thresholds: JSON.stringify(model.thresholds),
    image_size: String(imageSize),
    resize_filter: filter,
    preprocessing: `RGB squeezed to ${imageSize} x ${imageSize} (${filter}, antialiased), value / 255, no mean or std; f32[batch,3,${imageSize},${imageSize}]`,
    postprocessing: "score = sigmoid(logit) for each class by itself; a class is present above its threshold",
    model_variant: architecture.variant,
    model_architecture: JSON.stringify(architecture),
    training_recipe: JSON.stringify(metadata?.recipe ?? {}),
    training_step: String(metadata?.step ?? ""),
    training_epoch: String(metadata?.epoch ?? ""),
    training_metrics: JSON.stringify(metadata?.metrics ?? {}),
    weights: metadata?.weights ?? "regular",
  };
}

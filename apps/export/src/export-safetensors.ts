import { stat } from "node:fs/promises";
import { type CheckpointMetadata, type KeyScheme, writeCheckpoint } from "asl-checkpoint";
import { type CommandContext, EXIT, type OpenedModel } from "asl-cli";

export interface SafetensorsExport {
  readonly out: string;
  readonly names: KeyScheme;
  readonly weights: "regular" | "ema";
  readonly json: boolean;
}

/** Writes a model's weights for PyTorch and any other program that reads safetensors, as a whole or not at all. */
export async function exportSafetensors(
  model: OpenedModel,
  { out, names, weights, json }: SafetensorsExport,
  { report }: Pick<CommandContext, "report">,
): Promise<number> {
  const metadata = metadataOf(model, weights);
  await writeCheckpoint(out, { tensors: model.state, metadata }, { names });
  const { size } = await stat(out);
  const tensors = Object.keys(model.state).length;
  if (json) report.printJson({ file: out, bytes: size, format: "safetensors", names, tensors });
  else report.print(`${out}: ${(size / 1e6).toFixed(1)} MB, ${tensors} tensors in ${names} names`);
  return EXIT.ok;
}

/**
 * What the file says of itself. Of a foreign checkpoint that names its classes the rest is what openModel took it to
 * be; of one that names nothing there is nothing to say.
 */
function metadataOf(model: OpenedModel, weights: "regular" | "ema"): CheckpointMetadata | null {
  const { architecture, config, classNames, thresholds, imageSize, resizeFilter } = model;
  if (model.metadata !== null) return { ...model.metadata, imageSize };
  if (model.classNamesFrom !== "checkpoint") return null;
  return {
    ...{ model: { ...architecture, numClasses: config.classes }, classNames, thresholds, imageSize, resizeFilter },
    ...{ recipe: {}, step: 0, epoch: 0, metrics: {}, weights },
  };
}

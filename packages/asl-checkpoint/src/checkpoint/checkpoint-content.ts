import { InputError, type Tensors } from "asl-core";
import type { SafetensorsContent, SafetensorsWriteOptions } from "../safetensors/encode.js";
import { inspectTresnet } from "../tresnet/architecture.js";
import { officialToTimm } from "../tresnet/convert-names.js";
import type { KeyScheme } from "../tresnet/key-names.js";
import { CHECKPOINT_KEY } from "./formats.js";
import { type CheckpointMetadata, encodeMetadata } from "./metadata.js";

/** Parameters and buffers under official names, and what is to be known about them. */
export interface CheckpointContent {
  readonly tensors: Tensors;
  /** null: the tensors alone. */
  readonly metadata: CheckpointMetadata | null;
}

export interface CheckpointWriteOptions {
  /**
   * Names in the file, default `official`. `timm`: its names, and its batch-norm weights |w| + 1e-5, so that of an
   * official weight w the scale is kept, bit for bit, and the sign, which does nothing, is not.
   */
  readonly names?: KeyScheme;
}

/** The safetensors file of a checkpoint, its metadata compared with its tensors. */
export function safetensorsOf(
  file: string,
  { tensors, metadata }: CheckpointContent,
  { names = "official" }: CheckpointWriteOptions = {},
): { readonly content: SafetensorsContent; readonly options: SafetensorsWriteOptions } {
  const found = inspectTresnet(tensors, file);
  const own = metadata === null ? {} : { [CHECKPOINT_KEY]: encodeMetadata(file, metadata) };
  for (const field of ["blocks", "planes", "stages", "numClasses", "bottleneckHead"] as const) {
    if (metadata === null) break;
    const [says, has] = [JSON.stringify(metadata.model[field]), JSON.stringify(found[field])];
    if (says !== has) throw new InputError(`${file}: metadata.model.${field} is ${says}, but the tensors have ${has}`);
  }
  return {
    content: { tensors: names === "timm" ? officialToTimm(tensors).tensors : tensors },
    options: { metadata: { format: "pt", ...own }, digest: true },
  };
}

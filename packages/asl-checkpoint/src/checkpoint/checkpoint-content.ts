import { InputError, type Tensors } from "asl-core";
import type { SafetensorsContent, SafetensorsWriteOptions } from "../safetensors/encode.js";
import { inspectTresnet } from "../tresnet/architecture.js";
import { CHECKPOINT_KEY } from "./formats.js";
import { type CheckpointMetadata, encodeMetadata } from "./metadata.js";

/** Parameters and buffers under official names, and what is to be known about them. */
export interface CheckpointContent {
  readonly tensors: Tensors;
  readonly metadata: CheckpointMetadata;
}

/** The safetensors file of a checkpoint, its metadata compared with its tensors. */
export function safetensorsOf(
  file: string,
  { tensors, metadata }: CheckpointContent,
): { readonly content: SafetensorsContent; readonly options: SafetensorsWriteOptions } {
  const text = encodeMetadata(file, metadata);
  const found = inspectTresnet(tensors, file);
  for (const field of ["blocks", "planes", "stages", "numClasses", "bottleneckHead"] as const) {
    const [says, has] = [JSON.stringify(metadata.model[field]), JSON.stringify(found[field])];
    if (says !== has) throw new InputError(`${file}: metadata.model.${field} is ${says}, but the tensors have ${has}`);
  }
  return { content: { tensors }, options: { metadata: { format: "pt", [CHECKPOINT_KEY]: text }, digest: true } };
}

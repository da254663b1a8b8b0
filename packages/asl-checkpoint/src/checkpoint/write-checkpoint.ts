import { InputError, type Tensors } from "asl-core";
import { writeSafetensors } from "../safetensors/write.js";
import { inspectTresnet } from "../tresnet/architecture.js";
import { CHECKPOINT_KEY } from "./formats.js";
import { type CheckpointMetadata, encodeMetadata } from "./metadata.js";

/** Parameters and buffers under official names, and what is to be known about them. */
export interface CheckpointContent {
  readonly tensors: Tensors;
  readonly metadata: CheckpointMetadata;
}

/**
 * Writes a checkpoint as a safetensors file, as a whole or not at all. Other programs read it as any safetensors file
 * with the official names; the metadata stand under "asl.checkpoint" in its header as JSON.
 *
 * @throws InputError when the metadata describe another network than the tensors
 * @throws CheckpointError when the metadata are invalid or the file cannot be written
 */
export async function writeCheckpoint(file: string, { tensors, metadata }: CheckpointContent): Promise<void> {
  const text = encodeMetadata(file, metadata);
  const found = inspectTresnet(tensors, file);
  for (const field of ["blocks", "planes", "stages", "numClasses", "bottleneckHead"] as const) {
    const [says, has] = [JSON.stringify(metadata.model[field]), JSON.stringify(found[field])];
    if (says !== has) throw new InputError(`${file}: metadata.model.${field} is ${says}, but the tensors have ${has}`);
  }
  await writeSafetensors(file, { tensors }, { metadata: { format: "pt", [CHECKPOINT_KEY]: text }, digest: true });
}

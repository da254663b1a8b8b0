import { writeSafetensors } from "../safetensors/write.js";
import { type CheckpointContent, type CheckpointWriteOptions, safetensorsOf } from "./checkpoint-content.js";

/**
 * Writes a checkpoint as a safetensors file, as a whole or not at all. Other programs read it as any safetensors file
 * with the official or timm's names; the metadata stand under "asl.checkpoint" in its header as JSON.
 *
 * @throws InputError when the metadata describe another network than the tensors
 * @throws CheckpointError when the metadata are invalid or the file cannot be written
 */
export async function writeCheckpoint(
  file: string,
  checkpoint: CheckpointContent,
  { names }: CheckpointWriteOptions = {},
): Promise<void> {
  const { content, options } = safetensorsOf(file, checkpoint, names === undefined ? {} : { names });
  await writeSafetensors(file, content, options);
}

import { awaitedLater, type Begun, type IsLater } from "../file/later.js";
import { RandomAccessFile } from "../file/random-access.js";
import { NODE } from "../host/node.js";
import type { StateDictOptions } from "../pth/state-dict.js";
import { beginCheckpointFrom, type Checkpoint, checkpointFrom } from "./checkpoint-from.js";

/**
 * Reads any checkpoint of a TResNet: PyTorch (zip or legacy), safetensors, or this project's own, recognised by their
 * content. Names of timm are converted to the official ones, and its batch-norm weights to raw InPlaceABN weights.
 *
 * @throws RefusedPickleError when a pickle asks for more than tensors and plain containers
 * @throws CheckpointError when the file is missing, empty, damaged or something else
 */
export async function readCheckpoint(file: string, options: StateDictOptions = {}): Promise<Checkpoint> {
  await using opened = await RandomAccessFile.open(file);
  return await checkpointFrom(opened, options, NODE);
}

/**
 * The same, for what can be prepared without the numbers of large tensors: f32 tensors whose shapes `isLater` picks may
 * still be on their way, until `rest` is over. Until then nothing may be written into any tensor. Damage that only the
 * whole file shows is an error of `rest`.
 */
export async function beginCheckpoint(
  file: string,
  options: StateDictOptions & { readonly isLater: IsLater },
): Promise<Begun<Checkpoint>> {
  const opened = await RandomAccessFile.open(file);
  try {
    const { content, rest } = await beginCheckpointFrom(opened, options, NODE, options.isLater);
    return { content, rest: awaitedLater(rest.finally(() => opened.close())) };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

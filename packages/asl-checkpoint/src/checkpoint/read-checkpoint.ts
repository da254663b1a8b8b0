import { RandomAccessFile } from "../file/random-access.js";
import { NODE } from "../host/node.js";
import type { StateDictOptions } from "../pth/state-dict.js";
import { type Checkpoint, checkpointFrom } from "./checkpoint-from.js";

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

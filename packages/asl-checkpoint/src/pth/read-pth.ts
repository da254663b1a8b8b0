import { RandomAccessFile } from "../file/random-access.js";
import { NODE } from "../host/node.js";
import { type PthCheckpoint, pthFrom } from "./pth-from.js";
import type { StateDictOptions } from "./state-dict.js";

/**
 * Reads a PyTorch checkpoint, in the zip format (torch.save since 1.6) or the older one.
 * The pickle inside can build tensors and plain containers only (dict, list, set, str, numbers, argparse.Namespace):
 * anything else is refused by name before any number is read.
 *
 * @throws RefusedPickleError when the pickle names another class or function, e.g. `posix.system`
 * @throws CheckpointError when the file is missing, damaged, or holds no state dict
 */
export async function readPth(file: string, options: StateDictOptions = {}): Promise<PthCheckpoint> {
  await using opened = await RandomAccessFile.open(file);
  return await pthFrom(opened, options, NODE);
}

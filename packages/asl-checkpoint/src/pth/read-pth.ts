import type { Tensors } from "asl-core";
import { CheckpointError } from "../errors.js";
import { RandomAccessFile } from "../file/random-access.js";
import type { PickleValue } from "../pickle/values.js";
import { classNamesOf } from "./class-names.js";
import { openLegacyContainer } from "./legacy-container.js";
import { materialise } from "./materialise.js";
import { findStateDict, type StateDictOptions } from "./state-dict.js";
import { openZipContainer } from "./zip-container.js";

export interface PthCheckpoint {
  readonly format: "pth-zip" | "pth-legacy";
  /** Under the names of the file, row-major. F64 stays a Float64Array, half and bfloat16 are widened. */
  readonly tensors: Tensors;
  /** Where the state dict stood: dictionary keys joined by dots, "" for the top level. */
  readonly stateDict: string;
  /** Keys of the state dict whose values are no tensors. */
  readonly skipped: readonly string[];
  readonly classNames: readonly string[] | null;
  /** The whole pickled value; tensors in it are references without numbers. */
  readonly value: PickleValue;
}

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
  return await readPthFrom(opened, options);
}

/** The same for a file that is open already. */
export async function readPthFrom(file: RandomAccessFile, options: StateDictOptions = {}): Promise<PthCheckpoint> {
  if (file.size === 0) throw new CheckpointError(file.file, "the file is empty (0 bytes)");
  const zip = (await file.read(0, Math.min(2, file.size))).toString("latin1") === "PK";
  const container = await (zip ? openZipContainer(file) : openLegacyContainer(file));
  const found = findStateDict(file.file, container.value, options);
  return {
    format: container.format,
    tensors: await materialise(file.file, file.size, found.tensors, container.readStorage),
    stateDict: found.path,
    skipped: found.skipped,
    classNames: classNamesOf(container.value),
    value: container.value,
  };
}

import type { Tensors } from "asl-core";
import { CheckpointError } from "../errors.js";
import type { ByteSource } from "../file/byte-source.js";
import { type Begun, type IsLater, NONE_LATER, whole } from "../file/later.js";
import { latin1 } from "../file/text.js";
import type { Host } from "../host.js";
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

/** `readPth` for bytes that are open already. */
export const pthFrom = (file: ByteSource, options: StateDictOptions, host: Host): Promise<PthCheckpoint> =>
  whole(beginPth(file, options, host, NONE_LATER));

/** The same while some of the numbers are still being read. */
export async function beginPth(
  file: ByteSource,
  options: StateDictOptions,
  host: Host,
  isLater: IsLater,
): Promise<Begun<PthCheckpoint>> {
  if (file.size === 0) throw new CheckpointError(file.file, "the file is empty (0 bytes)");
  const zip = latin1(await file.read(0, Math.min(2, file.size))) === "PK";
  const container = await (zip ? openZipContainer(file, host) : openLegacyContainer(file));
  const found = findStateDict(file.file, container.value, options);
  const classNames = classNamesOf(container.value);
  const { content: tensors, rest } = await materialise(file.file, file.size, found.tensors, container, isLater);
  return {
    content: {
      format: container.format,
      tensors,
      stateDict: found.path,
      skipped: found.skipped,
      classNames,
      value: container.value,
    },
    rest,
  };
}

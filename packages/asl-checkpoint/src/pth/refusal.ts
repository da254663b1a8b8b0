import { CheckpointError, RefusedPickleError } from "../errors.js";
import { PickleFormatError, PickleRefusal } from "../pickle/format-error.js";
import { type Unpickled, unpickle } from "../pickle/unpickler.js";

/** One pickle of `file`, with errors that name the file. `where` says which part of the file it is. */
export function unpickleOf(file: string, where: string, bytes: Uint8Array, position = 0): Unpickled {
  try {
    return unpickle(bytes, position);
  } catch (error) {
    if (error instanceof PickleRefusal) throw new RefusedPickleError(file, error.refused);
    if (error instanceof PickleFormatError) {
      throw new CheckpointError(file, `${where} is damaged or not written by torch.save: ${error.message}`, {
        cause: error,
      });
    }
    throw error;
  }
}

/** What works on bytes in memory, without Node.js: for browsers and workers. */

import { type CheckpointContent, safetensorsOf } from "./checkpoint/checkpoint-content.js";
import { type Checkpoint, checkpointFrom } from "./checkpoint/checkpoint-from.js";
import { MemoryBytes } from "./file/memory-bytes.js";
import { BROWSER } from "./host/browser.js";
import type { StateDictOptions } from "./pth/state-dict.js";
import { encodeSafetensors } from "./safetensors/encode.js";

export type { CheckpointContent } from "./checkpoint/checkpoint-content.js";
export type { Checkpoint } from "./checkpoint/checkpoint-from.js";
export type { JsonObject, JsonValue } from "./checkpoint/json.js";
export {
  CheckpointMismatchError,
  type MatchedState,
  type MatchOptions,
  type Misshapen,
  matchState,
} from "./checkpoint/match-state.js";
export type { CheckpointMetadata } from "./checkpoint/metadata.js";
export { CheckpointError, RefusedPickleError } from "./errors.js";
export { inspectTresnet, type TresnetArchitecture, tresnetConfigOf } from "./tresnet/architecture.js";

/** `readCheckpoint` for the content of a file in memory; errors call it `name`. Throws CheckpointError. */
export const readCheckpointBytes = (
  bytes: Uint8Array,
  name: string,
  options: StateDictOptions = {},
): Promise<Checkpoint> => checkpointFrom(new MemoryBytes(name, bytes), options, BROWSER);

/** The bytes of the file that `writeCheckpoint` writes; errors call it `name`. Throws CheckpointError and InputError. */
export async function checkpointBytes(name: string, checkpoint: CheckpointContent): Promise<Uint8Array<ArrayBuffer>> {
  const { content, options } = safetensorsOf(name, checkpoint);
  const pieces: (readonly [bytes: Uint8Array, position: number])[] = [];
  for await (const piece of encodeSafetensors(name, content, options, BROWSER)) pieces.push(piece);
  const size = Math.max(...pieces.map(([bytes, position]) => position + bytes.byteLength));
  const file = new Uint8Array(size);
  for (const [bytes, position] of pieces) file.set(bytes, position);
  return file;
}

export type { CheckpointContent, CheckpointWriteOptions } from "./checkpoint/checkpoint-content.js";
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
export { beginCheckpoint, readCheckpoint } from "./checkpoint/read-checkpoint.js";
export { writeCheckpoint } from "./checkpoint/write-checkpoint.js";
export { type ElementType, halfToFloat } from "./elements.js";
export { CheckpointError, RefusedPickleError } from "./errors.js";
export { type PositionalWriter, writeAtomically } from "./file/atomic-write.js";
export type { Begun, IsLater } from "./file/later.js";
export { ColumnReader, type ReadColumnsOptions } from "./matrix/column-reader.js";
export { type MatrixLayout, matrixLayouts, rawMatrixLayout } from "./matrix/layout.js";
export type { NpyArray, NpyData } from "./npz/npy.js";
export { readNpz } from "./npz/read-npz.js";
export type { PickleValue, PythonName, StorageReference, TensorReference } from "./pickle/values.js";
export type { PthCheckpoint } from "./pth/pth-from.js";
export { readPth } from "./pth/read-pth.js";
export type { StateDictOptions, WeightsKind } from "./pth/state-dict.js";
export type {
  SafetensorsContent,
  SafetensorsWriteOptions,
  TensorLayout,
  WritableElementType,
} from "./safetensors/encode.js";
export type { SafetensorsEntry } from "./safetensors/header.js";
export { openSafetensors, readSafetensors } from "./safetensors/read.js";
export type { SafetensorsFile } from "./safetensors/safetensors-file.js";
export { writeSafetensors } from "./safetensors/write.js";
export { readSnapshot, type Snapshot, writeSnapshot } from "./snapshot/snapshot.js";
export {
  type BlockKind,
  inspectTresnet,
  type TresnetArchitecture,
  type TresnetVariant,
  tresnetConfigOf,
} from "./tresnet/architecture.js";
export { rawWeightOfScale, scaleOfRawWeight } from "./tresnet/batch-norm-weight.js";
export { type ConvertedTensors, officialToTimm, timmToOfficial } from "./tresnet/convert-names.js";
export {
  bottleneckBlocks,
  type KeyScheme,
  keySchemeOf,
  toOfficialName,
  toTimmName,
} from "./tresnet/key-names.js";

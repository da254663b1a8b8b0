import type { ByteSource } from "../file/byte-source.js";
import type { Memory } from "../file/chunks.js";
import type { Host } from "../host.js";
import type { PickleValue, StorageReference } from "../pickle/values.js";

/** An opened PyTorch file: its pickled value, and how to get at the bytes of its storages. */
export interface PthContainer {
  readonly format: "pth-zip" | "pth-legacy";
  readonly value: PickleValue;
  /** The little-endian bytes of a storage, exactly as many as it has, in a buffer that is the caller's to keep. */
  readonly readStorage: (storage: StorageReference) => Promise<ArrayBuffer>;
  /** The same into memory of that size. */
  readonly readStorageInto: (target: Memory, storage: StorageReference) => Promise<void>;
  /** Makes `readStorageInto` quicker later on. */
  readonly prepareStorage: (storage: StorageReference) => Promise<void>;
}

export type OpenContainer = (file: ByteSource, host: Host) => Promise<PthContainer>;

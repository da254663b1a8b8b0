import type { ByteSource } from "../file/byte-source.js";
import type { Host } from "../host.js";
import type { PickleValue, StorageReference } from "../pickle/values.js";

/** Reads the little-endian bytes of a storage, exactly as many as it has, into a buffer that is the caller's to keep. */
export type ReadStorage = (storage: StorageReference, into?: ArrayBuffer) => Promise<ArrayBuffer>;

/** An opened PyTorch file: its pickled value, and how to get at the bytes of its storages. */
export interface PthContainer {
  readonly format: "pth-zip" | "pth-legacy";
  readonly value: PickleValue;
  readonly readStorage: ReadStorage;
  /** Makes `readStorage` quicker later on. */
  readonly prepareStorage: (storage: StorageReference) => Promise<void>;
}

export type OpenContainer = (file: ByteSource, host: Host) => Promise<PthContainer>;

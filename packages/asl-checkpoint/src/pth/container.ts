import type { ByteSource } from "../file/byte-source.js";
import type { Host } from "../host.js";
import type { PickleValue } from "../pickle/values.js";
import type { ReadStorage } from "./materialise.js";

/** An opened PyTorch file: its pickled value, and how to get at the bytes of its storages. */
export interface PthContainer {
  readonly format: "pth-zip" | "pth-legacy";
  readonly value: PickleValue;
  readonly readStorage: ReadStorage;
}

export type OpenContainer = (file: ByteSource, host: Host) => Promise<PthContainer>;

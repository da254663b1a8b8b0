import { elementBytes } from "../elements.js";
import { CheckpointError } from "../errors.js";
import type { ByteSource } from "../file/byte-source.js";
import { viewOf } from "../file/text.js";
import { PickleTruncatedError } from "../pickle/format-error.js";
import type { PickleValue, StorageReference } from "../pickle/values.js";
import type { PthContainer } from "./container.js";
import { unpickleOf } from "./refusal.js";

/** torch.save writes this number first, as a pickle of its own. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;
const FIRST_READ = 1 << 20;
/** The pickles of a checkpoint hold names and shapes; a pickle beyond this size is no checkpoint. */
const MAX_PICKLE = 1 << 29;

interface Header {
  readonly value: PickleValue;
  /** Every storage that the object mentions: their sizes place the ones behind them. */
  readonly storages: ReadonlyMap<string, StorageReference>;
  readonly keys: readonly string[];
  /** Position behind the last pickle: the storages follow. */
  readonly end: number;
}

/**
 * torch.save before 1.6 (and with `_use_new_zipfile_serialization=False`): five pickles one after another (magic
 * number, protocol version, system, the object, the list of storage keys), then per key its element count as int64
 * and its bytes.
 */
export async function openLegacyContainer(file: ByteSource): Promise<PthContainer> {
  const header = await readHeader(file);
  const positions = await locateStorages(file, header);
  const placeOf = ({ key }: StorageReference) => {
    const place = positions.get(key);
    if (place === undefined) throw new CheckpointError(file.file, `storage "${key}" is missing`);
    return place;
  };
  return {
    format: "pth-legacy",
    value: header.value,
    readStorage: async (storage) => {
      const { position, bytes } = placeOf(storage);
      return file.readBuffer(position, bytes);
    },
    readStorageInto: async (target, storage) => file.readInto(target, placeOf(storage).position),
    prepareStorage: async () => undefined,
  };
}

/** The length of a pickle is known only once it is read, so the piece of the file that is tried doubles until it fits. */
async function readHeader(file: ByteSource): Promise<Header> {
  for (let length = FIRST_READ; ; length *= 2) {
    const whole = length >= file.size;
    const bytes = await file.read(0, Math.min(length, file.size));
    if (whole || length >= MAX_PICKLE) return parseHeader(file.file, bytes);
    try {
      return parseHeader(file.file, bytes);
    } catch (error) {
      const truncated = error instanceof CheckpointError && error.cause instanceof PickleTruncatedError;
      if (!truncated) throw error;
    }
  }
}

function parseHeader(file: string, bytes: Uint8Array): Header {
  const magic = unpickleOf(file, "the pickle", bytes);
  if (magic.value !== MAGIC) {
    throw new CheckpointError(file, "this is a Python pickle, but not one that torch.save wrote");
  }
  const version = unpickleOf(file, "the protocol version", bytes, magic.end);
  if (version.value !== PROTOCOL_VERSION) {
    throw new CheckpointError(file, `legacy protocol version ${String(version.value)}; ${PROTOCOL_VERSION} is read`);
  }
  const system = unpickleOf(file, "the system information", bytes, version.end);
  if (system.value instanceof Map && system.value.get("little_endian") === false) {
    throw new CheckpointError(file, "its numbers are big-endian; only little-endian is read");
  }
  const object = unpickleOf(file, "the pickle", bytes, system.end);
  const keys = unpickleOf(file, "the list of storages", bytes, object.end);
  if (!Array.isArray(keys.value) || !keys.value.every((key) => typeof key === "string")) {
    throw new CheckpointError(file, "the list of storages is damaged");
  }
  return { value: object.value, storages: object.storages, keys: keys.value, end: keys.end };
}

async function locateStorages(
  file: ByteSource,
  header: Header,
): Promise<ReadonlyMap<string, { position: number; bytes: number }>> {
  const positions = new Map<string, { position: number; bytes: number }>();
  let position = header.end;
  for (const key of header.keys) {
    const storage = header.storages.get(key);
    const elementType = storage?.elementType;
    if (storage === undefined || elementType === undefined || elementType === null) {
      throw new CheckpointError(file.file, `storage "${key}" belongs to no tensor`);
    }
    const size = Number(viewOf(await file.read(position, 8)).getBigInt64(0, true));
    if (size !== storage.rootSize) {
      throw new CheckpointError(
        file.file,
        `storage "${key}" has ${size} elements; its tensors need ${storage.rootSize}`,
      );
    }
    const bytes = size * elementBytes(elementType);
    if (position + 8 + bytes > file.size) {
      throw new CheckpointError(
        file.file,
        `truncated: storage "${key}" needs ${bytes} bytes at byte ${position + 8}, but the file has ${file.size}`,
      );
    }
    positions.set(key, { position: position + 8, bytes });
    position += 8 + bytes;
  }
  return positions;
}

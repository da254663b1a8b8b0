import { elementBytes } from "../elements.js";
import { CheckpointError } from "../errors.js";
import type { ByteSource } from "../file/byte-source.js";
import { latin1 } from "../file/text.js";
import type { Host, ZipEntries } from "../host.js";
import type { StorageReference } from "../pickle/values.js";
import type { PthContainer } from "./container.js";
import { unpickleOf } from "./refusal.js";

/**
 * torch.save since 1.6: a zip archive with `NAME/data.pkl` (the pickle) and `NAME/data/KEY` (one entry per storage,
 * uncompressed).
 */
export async function openZipContainer(file: ByteSource, host: Host): Promise<PthContainer> {
  const zip = await host.openZip(file);
  const { names } = zip;
  const pickle = names.find((name) => /^(?:[^/]+\/)?data\.pkl$/.test(name));
  if (pickle === undefined) throw new CheckpointError(file.file, withoutPickle(names));
  const root = pickle.slice(0, -"data.pkl".length);
  if (names.includes(`${root}constants.pkl`)) {
    throw new CheckpointError(
      file.file,
      "this is a TorchScript program (torch.jit.save), not a checkpoint; save torch.jit.load(FILE).state_dict()",
    );
  }
  if (names.includes(`${root}byteorder`)) {
    const order = latin1(new Uint8Array(await zip.read(`${root}byteorder`)));
    if (order !== "little")
      throw new CheckpointError(file.file, `its numbers are ${order}-endian; only little is read`);
  }
  const { value } = unpickleOf(file.file, pickle, new Uint8Array(await zip.read(pickle)));
  return {
    ...{ format: "pth-zip", value },
    readStorage: async (storage) => zip.read(checkedEntry(file.file, zip, root, storage)),
    readStorageInto: async (target, storage) => zip.readInto(target, checkedEntry(file.file, zip, root, storage)),
    prepareStorage: (storage) => zip.prepare(entryOf(root, storage)),
  };
}

const entryOf = (root: string, { key }: StorageReference): string => `${root}data/${key}`;

/** The entry of a storage, which has as many bytes as its tensors need. */
function checkedEntry(file: string, zip: ZipEntries, root: string, storage: StorageReference): string {
  const entry = entryOf(root, storage);
  const expected = storage.rootSize * (storage.elementType === null ? 1 : elementBytes(storage.elementType));
  const found = zip.sizeOf(entry);
  if (found === undefined) throw new CheckpointError(file, `storage "${storage.key}" is missing (entry "${entry}")`);
  if (found !== expected) {
    throw new CheckpointError(file, `storage "${storage.key}" has ${found} bytes; its tensors need ${expected}`);
  }
  return entry;
}

function withoutPickle(names: readonly string[]): string {
  if (names.some((name) => name.endsWith(".npy"))) {
    return "this is a NumPy .npz archive, not a checkpoint";
  }
  if (names.some((name) => name.startsWith("word/") || name.startsWith("xl/") || name === "META-INF/MANIFEST.MF")) {
    return "this is a document or program in zip format, not a checkpoint";
  }
  const some = names.slice(0, 3).join(", ");
  return `this zip archive holds no data.pkl, so torch.save did not write it (entries: ${some === "" ? "none" : some})`;
}

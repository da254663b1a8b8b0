import { CheckpointError } from "../errors.js";
import { RandomAccessFile } from "../file/random-access.js";
import { ZipArchive } from "../file/zip.js";
import { type NpyArray, NpyFormatError, parseNpy } from "./npy.js";

const SUFFIX = ".npy";

/**
 * The arrays of a NumPy .npz archive by name, `numpy.savez` and `savez_compressed` alike.
 * @param names read only these; all when left out
 * @throws CheckpointError when the file is missing, damaged, no .npz, lacks a name, or holds other than numbers
 */
export async function readNpz(file: string, names?: readonly string[]): Promise<Readonly<Record<string, NpyArray>>> {
  await using opened = await RandomAccessFile.open(file);
  if (opened.size === 0) throw new CheckpointError(file, "the file is empty (0 bytes)");
  const zip = await ZipArchive.open(opened);
  const present = zip.names.filter((name) => name.endsWith(SUFFIX));
  if (present.length === 0) throw new CheckpointError(file, "this zip archive holds no .npy arrays, so it is no .npz");
  const available = present.map((name) => name.slice(0, -SUFFIX.length));
  const arrays: [string, NpyArray][] = [];
  for (const name of names ?? available) {
    if (!available.includes(name)) {
      throw new CheckpointError(file, `no array "${name}"; it has ${available.join(", ")}`);
    }
    const data = await zip.read(name + SUFFIX);
    try {
      arrays.push([name, parseNpy(data)]);
    } catch (error) {
      if (error instanceof NpyFormatError) throw new CheckpointError(file, `array "${name}" is ${error.message}`);
      throw error;
    }
  }
  return Object.fromEntries(arrays);
}

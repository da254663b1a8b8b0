import { open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { InputError } from "asl-core";

/** Asked before a run of minutes, whose report would have no place in the end. Throws InputError. */
export async function checkPlaceOf(file: string): Promise<void> {
  const isFolder = async (place: string) => (await stat(place).catch(() => undefined))?.isDirectory() === true;
  if (await isFolder(file)) throw new InputError(`${file}: is a folder; the name of a file is needed`);
  if (!(await isFolder(path.dirname(file)))) {
    throw new InputError(`${file}: cannot be written: its folder does not exist. Choose another place`);
  }
}

/** All of the text or nothing: a temporary file beside it, synced, then renamed. */
export async function writeFileAtomically(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(temporary, "w");
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

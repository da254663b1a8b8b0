import { stat } from "node:fs/promises";
import path from "node:path";
import { writeAtomically } from "asl-checkpoint";
import { InputError } from "asl-core";

/** Asked before a run of minutes, whose report would have no place in the end. Throws InputError. */
export async function checkPlaceOf(file: string): Promise<void> {
  const isFolder = async (place: string) => (await stat(place).catch(() => undefined))?.isDirectory() === true;
  if (await isFolder(file)) throw new InputError(`${file}: is a folder; the name of a file is needed`);
  if (!(await isFolder(path.dirname(file)))) {
    throw new InputError(`${file}: cannot be written: its folder does not exist. Choose another place`);
  }
}

/** All of the text or nothing. Throws CheckpointError that names the file and says why: full disk, no permission. */
export async function writeFileAtomically(file: string, text: string): Promise<void> {
  await writeAtomically(file, (writer) => writer.write(Buffer.from(text), 0));
}

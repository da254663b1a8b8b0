import { randomBytes } from "node:crypto";
import { access, constants, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { writeAtomically } from "asl-checkpoint";
import { InputError } from "asl-core";
import { systemMeaning } from "./errors.js";

const fail = (place: string, why: string): never => {
  throw new InputError(`${place}: cannot be written: ${why}. Choose another place`);
};

/**
 * Asked before work that takes long, so that its result is not lost in the end for want of a place.
 * Throws InputError when the folder of `file` is not there or cannot be written to, or `file` is a folder itself.
 */
export async function checkPlaceOf(file: string): Promise<void> {
  const own = await stat(file).catch(() => undefined);
  if (own?.isDirectory() === true) fail(file, "it is a folder; the name of a file is needed");
  await checkFolderAround(file);
}

/** The same for a folder that is to be made: nothing may be there yet but an empty folder. */
export async function checkPlaceOfFolder(folder: string): Promise<void> {
  const own = await stat(folder).catch(() => undefined);
  if (own?.isDirectory() === false) fail(folder, "it is a file; the name of a folder is needed");
  if (own !== undefined && (await readdir(folder)).length > 0) fail(folder, "the folder is there and not empty");
  await checkFolderAround(resolve(folder));
}

async function checkFolderAround(place: string): Promise<void> {
  const folder = await stat(dirname(place)).catch(() => undefined);
  if (folder === undefined) fail(place, "its folder does not exist");
  else if (!folder.isDirectory()) fail(place, "a file stands where its folder should be");
  await access(dirname(place), constants.W_OK).catch(() => fail(place, "no permission to write in its folder"));
}

/**
 * Writes a file as a whole or not at all: temporary file, flush, rename.
 * @throws CheckpointError naming the file and why: full disk, missing folder, no permission
 */
export async function writeFileAtomically(file: string, content: Uint8Array | string): Promise<void> {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  await writeAtomically(file, (writer) => writer.write(bytes, 0));
}

/**
 * Makes a folder with these files, by their names in it ("1/model.onnx"), as a whole or not at all: a temporary folder
 * beside it, flushed, takes its name.
 * @throws InputError naming the folder and why: full disk, no permission, something there already
 */
export async function writeFolderAtomically(
  folder: string,
  files: ReadonlyMap<string, Uint8Array | string>,
): Promise<void> {
  const target = resolve(folder);
  const temporary = join(dirname(target), `.${basename(target)}-${randomBytes(8).toString("hex")}`);
  try {
    await mkdir(temporary);
    for (const [name, content] of files) {
      const file = join(temporary, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFlushed(file, content);
    }
    await rename(temporary, target);
  } catch (error) {
    // that nothing can be removed where nothing could be made is no news
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    const why = systemMeaning(error);
    if (why === undefined) throw error;
    // the path of the error is that of the temporary folder, or none
    throw new InputError(`${folder}: cannot be written: ${why}; nothing was left behind`, { cause: error });
  }
}

async function writeFlushed(file: string, content: Uint8Array | string): Promise<void> {
  const handle = await open(file, "wx");
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

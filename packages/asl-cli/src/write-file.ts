import { access, constants, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { writeAtomically } from "asl-checkpoint";
import { InputError } from "asl-core";

/**
 * Asked before work that takes long, so that its result is not lost in the end for want of a place.
 * Throws InputError when the folder of `file` is not there or cannot be written to, or `file` is a folder itself.
 */
export async function checkPlaceOf(file: string): Promise<void> {
  const fail = (why: string): never => {
    throw new InputError(`${file}: cannot be written: ${why}. Choose another place`);
  };
  const own = await stat(file).catch(() => undefined);
  if (own?.isDirectory() === true) fail("it is a folder; the name of a file is needed");
  const folder = await stat(dirname(file)).catch(() => undefined);
  if (folder === undefined) fail("its folder does not exist");
  else if (!folder.isDirectory()) fail("a file stands where its folder should be");
  await access(dirname(file), constants.W_OK).catch(() => fail("no permission to write in its folder"));
}

/**
 * Writes a file as a whole or not at all: temporary file, flush, rename.
 * @throws CheckpointError naming the file and why: full disk, missing folder, no permission
 */
export async function writeFileAtomically(file: string, content: Uint8Array | string): Promise<void> {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  await writeAtomically(file, (writer) => writer.write(bytes, 0));
}

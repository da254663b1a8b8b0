import { writeAtomically } from "asl-checkpoint";

/**
 * Writes a file as a whole or not at all: temporary file, flush, rename.
 * @throws CheckpointError naming the file and why: full disk, missing folder, no permission
 */
export async function writeFileAtomically(file: string, content: Uint8Array | string): Promise<void> {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  await writeAtomically(file, (writer) => writer.write(bytes, 0));
}

import { type OpenTemporary, writeAtomically } from "../file/atomic-write.js";
import { NODE } from "../host/node.js";
import { encodeSafetensors, type SafetensorsContent, type SafetensorsWriteOptions } from "./encode.js";

/**
 * Writes a safetensors file as a whole or not at all (see `writeAtomically`). Float64Array becomes F64, Float32Array
 * F32, i32 I32, bool BOOL.
 * @throws InputError when the data do not fit the layout
 * @throws CheckpointError when the file cannot be written, e.g. on a full disk
 */
export async function writeSafetensors(
  file: string,
  content: SafetensorsContent,
  options: SafetensorsWriteOptions = {},
  openTemporary?: OpenTemporary,
): Promise<void> {
  const pieces = encodeSafetensors(file, content, options, NODE);
  await writeAtomically(
    file,
    async (writer) => {
      for await (const [bytes, position] of pieces) await writer.write(bytes, position);
    },
    openTemporary,
  );
}

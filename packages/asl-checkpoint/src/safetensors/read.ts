import type { Tensors } from "asl-core";
import { RandomAccessFile } from "../file/random-access.js";
import { NODE } from "../host/node.js";
import { SafetensorsFile } from "./safetensors-file.js";

/** Opens a safetensors file and checks its header. Close it, or say `await using`. */
export async function openSafetensors(file: string): Promise<SafetensorsFile> {
  const opened = await RandomAccessFile.open(file);
  try {
    return await SafetensorsFile.over(opened, NODE);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** A whole safetensors file at once. */
export async function readSafetensors(
  file: string,
): Promise<{ readonly tensors: Tensors; readonly metadata: Readonly<Record<string, string>> }> {
  await using opened = await openSafetensors(file);
  return { tensors: await opened.readAll(), metadata: opened.metadata };
}

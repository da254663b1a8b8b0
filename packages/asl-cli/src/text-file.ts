import { readFile } from "node:fs/promises";

/** The text of a UTF-8 file, without the byte order mark that editors on Windows begin it with. */
export async function readTextFile(file: string): Promise<string> {
  const text = await readFile(file, "utf8");
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

import { readFile } from "node:fs/promises";
import * as v from "valibot";

/** What is known of a whole file in the cache; stands beside it as FILE.json. */
const RECORD = v.object({
  url: v.string(),
  bytes: v.number(),
  sha256: v.string(),
  etag: v.nullable(v.string()),
  license: v.nullable(v.string()),
  source: v.string(),
  fetched: v.string(),
});
export type CacheRecord = v.InferOutput<typeof RECORD>;

/** What a file that is not whole yet is part of; stands beside it as FILE.partial.json. */
const PARTIAL = v.object({
  url: v.string(),
  /** A strong ETag or a Last-Modified date: what says whether the rest still belongs to it. */
  validator: v.nullable(v.string()),
  total: v.nullable(v.number()),
});
export type PartialRecord = v.InferOutput<typeof PARTIAL>;

export const readRecord = (file: string): Promise<CacheRecord | undefined> => read(file, RECORD);
export const readPartialRecord = (file: string): Promise<PartialRecord | undefined> => read(file, PARTIAL);

/** Undefined for a file that is not there or damaged: then it is made anew. */
async function read<Schema extends v.GenericSchema>(
  file: string,
  schema: Schema,
): Promise<v.InferOutput<Schema> | undefined> {
  try {
    const result = v.safeParse(schema, JSON.parse(await readFile(file, "utf8")));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

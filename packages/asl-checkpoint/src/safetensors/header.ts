import { ELEMENT_TYPES, type ElementType, elementBytes, isElementType } from "../elements.js";
import { CheckpointError, causeOf } from "../errors.js";
import type { ByteSource } from "../file/byte-source.js";
import { viewOf } from "../file/text.js";

/** The limit of the reference implementation. */
const MAX_HEADER = 100_000_000;
/** More dimensions than any framework allows. */
const MAX_RANK = 64;
const METADATA = "__metadata__";

export interface SafetensorsEntry {
  readonly elementType: ElementType;
  readonly shape: readonly number[];
  /** Bytes in the file, from its beginning. */
  readonly start: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  /** The length field and the JSON as they stand in the file, padding included. */
  readonly bytes: Uint8Array;
}

/**
 * Layout: 8 bytes little-endian header length; a JSON object name -> {dtype, shape, data_offsets}; the data, whose
 * tensors follow each other without overlap or hole up to the end of the file.
 */
export async function readHeader(file: ByteSource): Promise<SafetensorsHeader> {
  const fail = (detail: string): CheckpointError => new CheckpointError(file.file, `safetensors header: ${detail}`);
  if (file.size < 8) throw fail(`the file has ${file.size} bytes; a header needs at least 8`);
  const length = Number(viewOf(await file.read(0, 8)).getBigUint64(0, true));
  if (length > MAX_HEADER) throw fail(`a length of ${length} bytes; at most ${MAX_HEADER} is allowed`);
  if (8 + length > file.size) throw fail(`truncated: it needs ${length} bytes, and the file has ${file.size}`);
  const bytes = await file.read(0, 8 + length);
  const json = parseObject(bytes.subarray(8), fail);
  const dataStart = 8 + length;
  const entries = new Map<string, SafetensorsEntry>();
  for (const [name, value] of Object.entries(json)) {
    if (name !== METADATA) entries.set(name, entryOf(name, value, dataStart, file.size, fail));
  }
  checkLayout(entries, dataStart, file.size, fail);
  return { entries, metadata: metadataOf(json[METADATA], fail), bytes };
}

type Fail = (detail: string) => CheckpointError;

function parseObject(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw fail(`no valid JSON (${causeOf(error)})`);
  }
  if (!isRecord(value)) throw fail("the JSON is no object");
  return value;
}

function metadataOf(value: unknown, fail: Fail): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value)) throw fail(`${METADATA} is no object`);
  return Object.fromEntries(
    Object.entries(value).map(([key, text]) => {
      if (typeof text !== "string") throw fail(`${METADATA} "${key}" is no string`);
      return [key, text];
    }),
  );
}

function entryOf(name: string, value: unknown, dataStart: number, fileSize: number, fail: Fail): SafetensorsEntry {
  if (!isRecord(value)) throw fail(`tensor "${name}" is no object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string") throw fail(`tensor "${name}" has no dtype`);
  if (!isElementType(dtype)) {
    throw fail(`tensor "${name}" has dtype "${dtype}"; supported are ${ELEMENT_TYPES.join(", ")}`);
  }
  if (!isNaturals(shape) || shape.length > MAX_RANK) {
    throw fail(`tensor "${name}" has shape ${shown(shape)}; whole numbers from 0 on are needed`);
  }
  if (!isNaturals(offsets) || offsets.length !== 2) {
    throw fail(`tensor "${name}" has data_offsets ${shown(offsets)}; [begin, end] is needed`);
  }
  const [begin = 0, end = 0] = offsets;
  const needed = shape.reduce((size, extent) => size * extent, elementBytes(dtype));
  if (end - begin !== needed) {
    throw fail(
      `tensor "${name}", ${dtype} [${shape.join(",")}], needs ${needed} bytes, but data_offsets give ${end - begin}`,
    );
  }
  if (dataStart + end > fileSize) {
    throw fail(
      `tensor "${name}" ends at byte ${dataStart + end}, but the file has ${fileSize}: it is truncated or damaged`,
    );
  }
  return { elementType: dtype, shape, start: dataStart + begin, end: dataStart + end };
}

/** In the order of their offsets, each tensor begins where the one before it ends. */
function checkLayout(
  entries: ReadonlyMap<string, SafetensorsEntry>,
  dataStart: number,
  fileSize: number,
  fail: Fail,
): void {
  let [before, position] = ["the header", dataStart];
  for (const [name, { start, end }] of [...entries].sort(([, a], [, b]) => a.start - b.start || a.end - b.end)) {
    if (start < position) throw fail(`tensors "${before}" and "${name}" overlap`);
    if (start > position) throw fail(`${start - position} bytes before tensor "${name}" belong to no tensor`);
    [before, position] = [name, end];
  }
  if (position !== fileSize) throw fail(`the last ${fileSize - position} bytes of the file belong to no tensor`);
}

function isNaturals(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

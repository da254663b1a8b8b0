import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Response } from "undici";
import { ZooError } from "./errors.js";
import { type Connection, get, validatorOf } from "./http.js";
import { type PartialRecord, readPartialRecord } from "./record.js";

export interface DownloadOptions {
  readonly url: string;
  /** Where the whole file goes; what is there of it stands beside it as FILE.partial. */
  readonly file: string;
  readonly expected: { readonly bytes: number | null; readonly sha256: string | null };
  readonly connection: Connection;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number | undefined) => void) | undefined;
  readonly onNote?: ((line: string) => void) | undefined;
  /** Milliseconds before the second attempt; doubles. Default 1000. */
  readonly retryDelay?: number | undefined;
  /** Opens the partial file: replaced in tests to inject a full disk. */
  readonly openPartial?: ((file: string, flags: string) => Promise<FileHandle>) | undefined;
}

export interface Downloaded {
  readonly bytes: number;
  readonly sha256: string;
  readonly etag: string | null;
}

/** Attempts in a row that bring nothing. */
const ATTEMPTS = 5;

/**
 * Downloads a file: goes on where an interrupted download stopped, as long as the server still has the same content
 * (Range with If-Range), and begins anew otherwise. The whole file is checked (size, SHA-256 where known), flushed and
 * only then gets its name. An interruption keeps the part; a full disk removes it.
 * Throws ZooError; the signal's reason when aborted.
 */
export async function download(options: DownloadOptions): Promise<Downloaded> {
  const { url, file, signal, onNote, retryDelay = 1000 } = options;
  const partial = `${file}.partial`;
  for (let failures = 0; ; ) {
    const before = await sizeOf(partial);
    try {
      const { etag, sha256 } = await attempt(options, partial);
      return await finish(options, partial, etag, sha256);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof DamagedDownload || isDiskProblem(error)) await removePartial(partial);
      if (isDiskProblem(error)) throw diskError(file, error);
      if (error instanceof ZooError && !(error instanceof DamagedDownload)) throw error;
      failures = (await sizeOf(partial)) > before ? 1 : failures + 1;
      if (failures >= ATTEMPTS || (error instanceof DamagedDownload && failures >= 2)) {
        if (error instanceof DamagedDownload) throw error;
        throw new ZooError(
          `${url}: could not be downloaded (${causeOf(error)}), ${ATTEMPTS} times in a row. Check the network and the ` +
            "proxy (HTTPS_PROXY), or name a mirror; the same command goes on where it stopped.",
          { cause: error },
        );
      }
      onNote?.(`${url}: ${causeOf(error)}; trying again`);
      await wait(retryDelay * 2 ** (failures - 1), undefined, signal === undefined ? {} : { signal }).catch(() =>
        signal?.throwIfAborted(),
      );
    }
  }
}

/** The content is not what it should be: no use to go on from it. */
class DamagedDownload extends ZooError {}

/** One request; appends to the partial file until it is whole. */
async function attempt(
  options: DownloadOptions,
  partial: string,
): Promise<{ etag: string | null; sha256: string | undefined }> {
  const { url, connection, signal, onNote, onProgress, openPartial = open } = options;
  const known = await readPartialRecord(`${partial}.json`);
  const there = await sizeOf(partial);
  const resumable = there > 0 && known !== undefined && known.url === url && known.validator !== null;
  const headers: Record<string, string> = resumable ? { range: `bytes=${there}-`, "if-range": known.validator! } : {};
  const { response, sha256 } = await get(url, headers, connection, signal);
  if (response.status === 416) {
    await response.body?.cancel();
    // nothing is left to send: whole already, or of another size now; the check at the end tells
    if (known?.total === there) return { etag: known.validator, sha256 };
    await removePartial(partial);
    throw new Error("the server has less than what was downloaded");
  }
  await checkStatus(url, response);
  const goesOn = resumable && response.status === 206 && startOf(response) === there;
  if (resumable && !goesOn) onNote?.(`${url}: has changed on the server or cannot be continued; starting anew`);
  if (!goesOn && response.status === 206) {
    await response.body?.cancel();
    await removePartial(partial);
    throw new Error("the server sent another part than was asked for");
  }
  const start = goesOn ? there : 0;
  const total = totalOf(response, start);
  const validator = validatorOf(response);
  await checkSpace(options.file, total === undefined ? 0 : total - start);
  if (!goesOn) {
    await removePartial(partial);
    const record: PartialRecord = { url, validator, total: total ?? null };
    await writeFile(`${partial}.json`, JSON.stringify(record));
  }
  const handle = await openPartial(partial, goesOn ? "a" : "w");
  let done = start;
  try {
    for await (const chunk of response.body ?? []) {
      const bytes: Uint8Array = chunk;
      await handle.writeFile(bytes);
      done += bytes.length;
      onProgress?.(done, total);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (total !== undefined && done < total) throw new Error(`the connection ended after ${done} of ${total} bytes`);
  if (total !== undefined && done > total) {
    throw new DamagedDownload(
      `${url}: sent ${done} bytes where ${total} were announced. Try again later or name a mirror.`,
    );
  }
  return { etag: validator, sha256 };
}

async function finish(
  { url, file, expected }: DownloadOptions,
  partial: string,
  etag: string | null,
  announced: string | undefined,
): Promise<Downloaded> {
  const bytes = await sizeOf(partial);
  const sha256 = await sha256Of(partial);
  const advice = "The file on the server is not the one this program knows: try again later, or name a mirror.";
  if (expected.bytes !== null && bytes !== expected.bytes) {
    throw new DamagedDownload(`${url}: has ${bytes} bytes; expected ${expected.bytes}. ${advice}`);
  }
  const wanted = expected.sha256 ?? announced;
  if (wanted !== undefined && sha256 !== wanted) {
    throw new DamagedDownload(`${url}: its SHA-256 is ${sha256}; expected ${wanted}. ${advice}`);
  }
  await rename(partial, file);
  await rm(`${partial}.json`, { force: true });
  return { bytes, sha256, etag };
}

async function checkStatus(url: string, response: Response): Promise<void> {
  const { status, statusText } = response;
  if (status === 200 || status === 206) return;
  await response.body?.cancel();
  const said = `the server answers ${status}${statusText === "" ? "" : ` ${statusText}`}`;
  // 408, 429 and 5xx may be over soon
  if (status === 408 || status === 429 || status >= 500) throw new Error(said);
  const what =
    status === 404 || status === 410
      ? "the file is not there (any more); a mirror may have it"
      : status === 401 || status === 403 || status === 407
        ? "access is refused; check the proxy, or name a mirror"
        : "this was not expected";
  throw new ZooError(`${url}: ${said}: ${what}.`);
}

/** Where the sent part begins: "bytes 100-199/200" -> 100. */
function startOf({ headers }: Response): number | undefined {
  const start = /^bytes (\d+)-/.exec(headers.get("content-range") ?? "")?.[1];
  return start === undefined ? undefined : Number(start);
}

function totalOf({ headers }: Response, start: number): number | undefined {
  const whole = /\/(\d+)$/.exec(headers.get("content-range") ?? "")?.[1];
  if (whole !== undefined) return Number(whole);
  const length = headers.get("content-length");
  return length === null ? undefined : start + Number(length);
}

async function checkSpace(file: string, needed: number): Promise<void> {
  const disk = await statfs(dirname(file)).catch(() => undefined);
  if (disk === undefined || disk.bavail * disk.bsize >= needed) return;
  throw new ZooError(
    `${dirname(file)}: ${megabytes(disk.bavail * disk.bsize)} are free, ${megabytes(needed)} are needed. Free some space ` +
      "or choose another folder (--cache-dir).",
  );
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

const sizeOf = async (file: string) => (await stat(file).catch(() => undefined))?.size ?? 0;

async function removePartial(partial: string): Promise<void> {
  await rm(partial, { force: true });
  await rm(`${partial}.json`, { force: true });
}

const systemCode = (error: unknown) =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

const isDiskProblem = (error: unknown) => ["ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES"].includes(systemCode(error));

function diskError(file: string, error: unknown): ZooError {
  const why = systemCode(error) === "ENOSPC" ? "the disk is full" : causeOf(error);
  return new ZooError(
    `${file}: cannot be written: ${why}; nothing of it was left. Free some space or choose another folder (--cache-dir).`,
    { cause: error },
  );
}

/** fetch wraps what really happened: "fetch failed" <- ECONNRESET. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? causeOf(error.cause) : error.message;
}

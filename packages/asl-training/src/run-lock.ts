import { randomBytes } from "node:crypto";
import { constants, copyFile, link, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { RunDirectoryError } from "./errors.js";

export const LOCK_FILE = "run.lock";

interface Holder {
  readonly host: string;
  readonly pid: number;
  readonly token: string;
}

/** Of the locks that this process holds: a lock with its number and another token is of an earlier process. */
const held = new Set<string>();

/** Longer than two processes that take over the same left-behind lock stay between looking and replacing. */
const SETTLING_MS = 100;

/**
 * Keeps a second training run out of a folder. The lock is a file that says who holds it; one whose process is gone
 * (killed, power cut) is taken over.
 */
export class RunLock implements AsyncDisposable {
  private constructor(
    private readonly folder: string,
    private readonly holder: Holder,
  ) {}

  /** Throws RunDirectoryError naming the process that works in the folder. */
  static async acquire(folder: string): Promise<RunLock> {
    const holder: Holder = { host: hostname(), pid: process.pid, token: randomBytes(8).toString("hex") };
    const lock = new RunLock(folder, holder);
    const own = join(folder, `${LOCK_FILE}.${holder.token}`);
    await writeFile(own, JSON.stringify(holder), { flag: "wx" });
    try {
      await linkOrCopy(own, lock.#file);
      await unlink(own);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") {
        await unlink(own).catch(() => undefined);
        throw new RunDirectoryError(folder, `cannot be locked: ${String(error)}`, { cause: error });
      }
      const found = await lock.#read();
      if (found !== undefined && isAlive(found)) {
        await unlink(own).catch(() => undefined);
        throw inUse(folder, found);
      }
      await rename(own, lock.#file);
      // another process may have seen the same left-behind lock: the last one to replace it has it
      await setTimeout(SETTLING_MS);
      await lock.check();
    }
    held.add(holder.token);
    return lock;
  }

  /** Throws RunDirectoryError when another process has taken the folder over. Asked before anything is replaced. */
  async check(): Promise<void> {
    const found = await this.#read();
    if (found?.token !== this.holder.token) throw inUse(this.folder, found);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    held.delete(this.holder.token);
    const found = await this.#read();
    if (found?.token === this.holder.token) await unlink(this.#file).catch(() => undefined);
  }

  get #file(): string {
    return join(this.folder, LOCK_FILE);
  }

  async #read(): Promise<Holder | undefined> {
    try {
      return JSON.parse(await readFile(this.#file, "utf8")) as Holder;
    } catch {
      return undefined; // gone, or damaged: nobody's
    }
  }
}

/** Of file systems without links: exFAT, some network shares. */
const NO_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];

/** Not over another lock. A link is there as a whole at once; a copy, where there are no links, may be seen half-written. */
async function linkOrCopy(own: string, file: string): Promise<void> {
  try {
    await link(own, file);
  } catch (error) {
    if (!NO_LINKS.includes(String(codeOf(error)))) throw error;
    await copyFile(own, file, constants.COPYFILE_EXCL);
  }
}

function inUse(folder: string, holder: Holder | undefined): RunDirectoryError {
  const who = holder === undefined ? "another process" : `process ${holder.pid} on ${holder.host}`;
  return new RunDirectoryError(
    folder,
    `another training run works in this folder (${who}). Wait for it, stop it, or choose another folder; ` +
      `if that process is no training run, delete ${LOCK_FILE}`,
  );
}

/** Whether the holder may still run; on another machine nobody can tell, so yes. */
function isAlive({ host, pid, token }: Holder): boolean {
  if (host !== hostname()) return true;
  if (pid === process.pid) return held.has(token);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? error.code : undefined);

import { existsSync, readdirSync } from "node:fs";
import { link } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { LOCK_FILE, RunLock } from "../src/run-lock.js";
import { useTemporaryFolder } from "./temporary-folder.js";

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  return { ...real, link: vi.fn(real.link) };
});

const inFolder = useTemporaryFolder();

describe("the lock of a run's folder", () => {
  it.each(["", "EPERM", "ENOTSUP"])("keeps a second run out and leaves nothing (links: %j)", async (code) => {
    const noLinks = Object.assign(new Error(code), { code });
    if (code !== "") vi.mocked(link).mockRejectedValue(noLinks);
    const folder = inFolder();
    const lock = await RunLock.acquire(folder);
    expect(readdirSync(folder)).toEqual([LOCK_FILE]);
    await expect(RunLock.acquire(folder)).rejects.toThrow(
      `another training run works in this folder (process ${process.pid}`,
    );
    expect(readdirSync(folder)).toEqual([LOCK_FILE]);
    await lock.check();
    await lock[Symbol.asyncDispose]();
    expect(existsSync(join(folder, LOCK_FILE))).toBe(false);
  });
});

import { execFileSync } from "node:child_process";
import { type FileHandle, lstat, open, readFile, stat, symlink, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { f32 } from "asl-core";
import { describe, expect, test } from "vitest";
import { writeAtomically } from "../src/file/atomic-write.js";
import { temporaryName } from "../src/file/stale-temporaries.js";
import { CheckpointError, readSnapshot, writeSnapshot } from "../src/index.js";
import { failure, filesIn, temporaryFolder } from "./support.js";

const systemError = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code });

/** A file handle whose disk is full after so many bytes, as write(2) reports it. */
const fullAfter =
  (limit: number, code = "ENOSPC") =>
  async (file: string): Promise<FileHandle> => {
    const handle = await open(file, "wx");
    const write = handle.write.bind(handle);
    let room = limit;
    const limited = async (bytes: Uint8Array, offset: number, length: number, position: number) => {
      if (room === 0) throw systemError(code);
      const fitting = Math.min(length, room);
      room -= fitting;
      return write(bytes, offset, fitting, position);
    };
    return Object.assign(handle, { write: limited });
  };

describe("a file is written as a whole or not at all", () => {
  test("the content is there and no temporary file is", async () => {
    const folder = await temporaryFolder();
    const file = path.join(folder, "a.bin");
    await writeAtomically(file, async (writer) => {
      await writer.write(Buffer.from("World"), 6);
      await writer.write(Buffer.from("Hello "), 0);
    });
    expect(await readFile(file, "utf8")).toBe("Hello World");
    expect(await filesIn(folder)).toEqual(["a.bin"]);
  });

  test("until it is complete, a reader sees the older content", async () => {
    const file = path.join(await temporaryFolder(), "a.bin");
    await writeFile(file, "old");
    await writeAtomically(file, async (writer) => {
      await writer.write(Buffer.from("new"), 0);
      expect(await readFile(file, "utf8")).toBe("old");
    });
    expect(await readFile(file, "utf8")).toBe("new");
  });

  test.skipIf(process.platform === "win32")(
    "who may read the older file may read the new one, nobody else (skipped on Windows: it has no such modes)",
    async () => {
      const file = path.join(await temporaryFolder(), "a.bin");
      await writeFile(file, "old", { mode: 0o600 });
      await writeAtomically(file, (writer) => writer.write(Buffer.from("new"), 0));
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    },
  );

  test.each([
    ["ENOSPC", "cannot be written: the disk is full"],
    ["EDQUOT", "cannot be written: the disk quota is used up"],
    ["EIO", "cannot be written (EIO: injected)"],
  ])("%s after some bytes: %s", async (code, message) => {
    const folder = await temporaryFolder();
    const file = path.join(folder, "a.bin");
    await writeFile(file, "old");
    const error = await failure(
      writeAtomically(file, (writer) => writer.write(Buffer.alloc(100), 0), fullAfter(64, code)),
    );
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toContain(`${file}: ${message}`);
    expect(error.message).toContain("no half-written file was left, and an older file of this name is unchanged");
    expect(await filesIn(folder)).toEqual(["a.bin"]);
    expect(await readFile(file, "utf8")).toBe("old");
  });

  test("short writes are continued", async () => {
    const file = path.join(await temporaryFolder(), "a.bin");
    const oneByte = async (temporary: string): Promise<FileHandle> => {
      const handle = await open(temporary, "wx");
      const write = handle.write.bind(handle);
      return Object.assign(handle, {
        write: (bytes: Uint8Array, offset: number, _length: number, position: number) =>
          write(bytes, offset, 1, position),
      });
    };
    await writeAtomically(file, (writer) => writer.write(Buffer.from("Hello"), 0), oneByte);
    expect(await readFile(file, "utf8")).toBe("Hello");
  });

  test("what a killed writer left is removed by a later write, what a living one writes is not", async () => {
    const folder = await temporaryFolder();
    const file = path.join(folder, "a.bin");
    const [old, fresh, other] = ["00".repeat(8), "11".repeat(8), "not-ours"].map((unique) =>
      temporaryName(file, unique),
    );
    for (const name of [old!, fresh!, other!]) await writeFile(name, "half");
    const longAgo = new Date(Date.now() - 3_600_000);
    for (const name of [old!, other!]) await utimes(name, longAgo, longAgo);
    await writeAtomically(file, (writer) => writer.write(Buffer.from("new"), 0));
    expect(await filesIn(folder)).toEqual([path.basename(fresh!), path.basename(other!), "a.bin"].sort());
  });

  test("a missing folder, a folder as target", async () => {
    const folder = await temporaryFolder();
    const missing = await failure(writeAtomically(path.join(folder, "no", "a.bin"), async () => undefined));
    expect(missing.message).toContain("cannot be written: its folder does not exist");
    const target = await failure(writeAtomically(folder, async () => undefined));
    expect(target.message).toContain("cannot be written: this is a folder");
  });

  test("a symbolic link stays one, and the file it points to is replaced", async () => {
    const folder = await temporaryFolder();
    await writeFile(path.join(folder, "real.bin"), "old");
    await symlink("real.bin", path.join(folder, "link.bin"));
    await writeAtomically(path.join(folder, "link.bin"), (writer) => writer.write(Buffer.from("new"), 0));
    expect((await lstat(path.join(folder, "link.bin"))).isSymbolicLink()).toBe(true);
    expect(await readFile(path.join(folder, "real.bin"), "utf8")).toBe("new");
  });
});

/** Whether a small file system can be mounted here, which takes root and Linux. */
function mountTmpfs(folder: string, megabytes: number): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const probe = await temporaryFolder();
const canMount = mountTmpfs(probe, 1);
if (canMount) execFileSync("umount", [probe]);

describe.skipIf(!canMount)(
  `on a disk that is really full${canMount ? "" : " (skipped: mounting a tmpfs takes root)"}`,
  () => {
    test("a snapshot that does not fit fails clearly, and the older one can still be read", async () => {
      const folder = await temporaryFolder();
      mountTmpfs(folder, 1);
      try {
        const file = path.join(folder, "snapshot.safetensors");
        const small = { state: { a: f32([1], [1]) }, progress: { step: 1 } };
        await writeSnapshot(file, small);
        const large = { state: { a: f32([2 ** 19], new Float32Array(2 ** 19)) }, progress: { step: 2 } };
        const error = await failure(writeSnapshot(file, large));
        expect(error.message).toContain("the disk is full");
        expect(await filesIn(folder)).toEqual(["snapshot.safetensors"]);
        expect((await readSnapshot(file)).progress).toEqual({ step: 1 });
      } finally {
        execFileSync("umount", [folder]);
      }
    });
  },
);

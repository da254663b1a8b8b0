import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileReader } from "../src/read-file.js";

/** Reads at once ask it twice, others never; each of them takes `duration` milliseconds. */
class TestClock {
  duration = 0.1;
  calls = 0;

  now(): number {
    return this.calls++ % 2 === 0 ? 0 : this.duration;
  }
}

describe("FileReader", () => {
  let folder = "";
  let file = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "asl-data-read-"));
    file = join(folder, "picture");
    writeFileSync(file, "bytes");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** How many of `count` reads are done at once. */
  async function atOnce(reader: FileReader, clock: TestClock, count: number): Promise<number> {
    const before = clock.calls;
    for (let i = 0; i < count; i++) expect(await reader.read(file)).toEqual(Buffer.from("bytes"));
    return (clock.calls - before) / 2;
  }

  it("reads at once what is fast", async () => {
    const clock = new TestClock();
    expect(await atOnce(new FileReader(false, clock), clock, 20)).toBe(20);
  });

  it("reads 16 files asynchronously after a slow one, then tries again", async () => {
    const clock = new TestClock();
    const reader = new FileReader(false, clock);
    clock.duration = 10;
    expect(await atOnce(reader, clock, 17)).toBe(1);
    clock.duration = 0.1;
    expect(await atOnce(reader, clock, 20)).toBe(20);
  });

  it("gives the event loop a turn for each file, unless the thread may wait", async () => {
    for (const mayWait of [false, true]) {
      const reader = new FileReader(mayWait);
      let turns = 0;
      for (let i = 0; i < 3; i++) {
        const immediate = setImmediate(() => turns++);
        await reader.read(file);
        clearImmediate(immediate);
      }
      expect(turns, `may wait: ${mayWait}`).toBe(mayWait ? 0 : 3);
    }
  });

  it("rejects with the file system's error either way; a slow failure counts as slow", async () => {
    const clock = new TestClock();
    clock.duration = 10;
    const reader = new FileReader(false, clock);
    const missing = join(folder, "missing");
    await expect(reader.read(missing)).rejects.toThrow("ENOENT");
    await expect(reader.read(missing)).rejects.toThrow("ENOENT");
    expect(clock.calls).toBe(2);
    await expect(new FileReader(true).read(missing)).rejects.toThrow("ENOENT");
  });
});

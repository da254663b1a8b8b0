import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileReader } from "../src/read-file.js";

/** Each read takes as long as `milliseconds` says. */
const clockOf = (milliseconds: { value: number }) => {
  let calls = 0;
  return { now: () => (calls++ % 2 === 0 ? 0 : milliseconds.value) };
};

describe("FileReader", () => {
  let folder = "";
  let file = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "asl-data-read-"));
    file = join(folder, "picture");
    writeFileSync(file, "bytes");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("reads at once what is fast", () => {
    const reader = new FileReader(false, clockOf({ value: 0.1 }));
    for (let i = 0; i < 3; i++) expect(reader.read(file)).toEqual(Buffer.from("bytes"));
  });

  it("leaves the event loop alone for 64 files after a slow one, then tries again", async () => {
    const duration = { value: 10 };
    const reader = new FileReader(false, clockOf(duration));
    const kinds: string[] = [];
    const read = async () => {
      const bytes = reader.read(file);
      kinds.push(bytes instanceof Promise ? "later" : "at once");
      expect(await bytes).toEqual(Buffer.from("bytes"));
    };
    for (let i = 0; i < 65; i++) await read();
    duration.value = 0.1;
    for (let i = 0; i < 3; i++) await read();
    expect(kinds.filter((kind) => kind === "later")).toHaveLength(64);
    expect([kinds[0], ...kinds.slice(-3)]).toEqual(Array(4).fill("at once"));
  });

  it("always reads at once in a thread that may wait", () => {
    const reader = new FileReader(true, clockOf({ value: 10 }));
    for (let i = 0; i < 3; i++) expect(reader.read(file)).toEqual(Buffer.from("bytes"));
  });

  it("gives the file system's error either way; a slow failure counts as slow", async () => {
    const reader = new FileReader(false, clockOf({ value: 10 }));
    const missing = join(folder, "missing");
    expect(() => reader.read(missing)).toThrow("ENOENT");
    await expect(reader.read(missing)).rejects.toThrow("ENOENT");
  });
});

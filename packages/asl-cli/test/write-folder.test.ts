import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkPlaceOfFolder, writeFolderAtomically } from "../src/write-file.js";

let folder: string;
const inFolder = (name: string) => path.join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "asl-folder-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("writeFolderAtomically", () => {
  it("makes the folder with its files, as readable as any other", async () => {
    await writeFolderAtomically(
      inFolder("new"),
      new Map<string, Uint8Array | string>([
        ["a/b.txt", "text"],
        ["c", Uint8Array.of(1)],
      ]),
    );
    expect((await readdir(inFolder("new"))).sort()).toEqual(["a", "c"]);
    expect(await readFile(inFolder("new/a/b.txt"), "utf8")).toBe("text");
    await mkdir(inFolder("usual"));
    expect((await stat(inFolder("new"))).mode).toBe((await stat(inFolder("usual"))).mode);
  });

  it("takes the place of an empty folder, and leaves a full one and nothing else", async () => {
    await mkdir(inFolder("empty"));
    await writeFolderAtomically(inFolder("empty"), new Map([["a", "1"]]));
    expect(await readdir(inFolder("empty"))).toEqual(["a"]);
    const before = await readdir(folder);
    await expect(writeFolderAtomically(inFolder("empty"), new Map([["b", "2"]]))).rejects.toThrow(
      /empty: cannot be written: .*; nothing was left behind/,
    );
    expect(await readdir(inFolder("empty"))).toEqual(["a"]);
    expect(await readdir(folder)).toEqual(before);
  });
});

describe("writeFolderAtomically where it cannot", () => {
  it("names the folder that was asked for, and why", async () => {
    await writeFile(inFolder("taken"), "");
    await expect(writeFolderAtomically(inFolder("taken/x"), new Map([["b", "2"]]))).rejects.toThrow(
      `${inFolder("taken/x")}: cannot be written: is a file where a folder was expected; nothing was left behind`,
    );
  });
});

describe("checkPlaceOfFolder", () => {
  it("takes a new name or an empty folder", async () => {
    await mkdir(inFolder("vacant"));
    await checkPlaceOfFolder(inFolder("vacant"));
    await checkPlaceOfFolder(`${inFolder("another")}/`);
  });

  it("refuses what is there", async () => {
    await writeFile(inFolder("file"), "");
    await expect(checkPlaceOfFolder(folder)).rejects.toThrow("the folder is there and not empty");
    await expect(checkPlaceOfFolder(inFolder("file"))).rejects.toThrow("it is a file; the name of a folder is needed");
    await expect(checkPlaceOfFolder(inFolder("none/x"))).rejects.toThrow("its folder does not exist");
  });
});

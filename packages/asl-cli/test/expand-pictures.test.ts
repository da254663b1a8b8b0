import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expandPictures } from "../src/expand-pictures.js";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "asl-infer-"));
  await mkdir(path.join(folder, "photos", "deep"), { recursive: true });
  await mkdir(path.join(folder, "empty"));
  for (const file of ["10.jpg", "2.jpg", "B.PNG", "notes.txt", "deep/c.webp", "a [1].jpg"]) {
    await writeFile(path.join(folder, "photos", file), "");
  }
});

afterAll(() => rm(folder, { recursive: true }));

const expand = (...inputs: string[]) => expandPictures(inputs, folder);
const photo = (name: string) => path.join("photos", name);

describe("expandPictures", () => {
  it("keeps a file as it was named, whatever its ending", async () => {
    expect(await expand("photos/notes.txt")).toEqual({ files: [photo("notes.txt")], problems: [] });
  });

  it("gives the pictures of a folder and its subfolders in natural order, by ending in any case", async () => {
    const { files, problems } = await expand("photos");
    expect(files).toEqual(["2.jpg", "10.jpg", "a [1].jpg", "B.PNG", "deep/c.webp"].map(photo));
    expect(problems).toEqual([]);
  });

  it("gives what a pattern matches, in natural order", async () => {
    expect((await expand("photos/[0-9]*.jpg")).files).toEqual(["2.jpg", "10.jpg"].map(photo));
    expect((await expand("**/*.{webp,PNG}")).files).toEqual(["B.PNG", "deep/c.webp"].map(photo));
  });

  it("takes a file whose name looks like a pattern for that file", async () => {
    expect((await expand("photos/a [1].jpg")).files).toEqual([photo("a [1].jpg")]);
  });

  it("keeps the order of the arguments and every file once", async () => {
    expect((await expand("photos/10.jpg", "photos/*.jpg", "./photos/2.jpg")).files).toEqual(
      ["10.jpg", "2.jpg", "a [1].jpg"].map(photo),
    );
  });

  it("keeps the name of a missing file, so that reading it says so", async () => {
    expect(await expand("photos/none.jpg")).toEqual({ files: [photo("none.jpg")], problems: [] });
  });

  it("says which pattern or folder gives nothing, and goes on", async () => {
    const { files, problems } = await expand("photos/*.gif", "empty", "photos/2.jpg");
    expect(files).toEqual([photo("2.jpg")]);
    expect(problems).toHaveLength(2);
    expect(problems[0]).toMatch(/^photos\/\*\.gif: no file matches this pattern/);
    expect(problems[1]).toMatch(/^empty: no pictures in this folder/);
  });
});

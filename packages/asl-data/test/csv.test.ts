import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type CsvOptions, csvSplits, openCsv } from "../src/datasets/csv.js";
import { openFolderTree } from "../src/datasets/folders.js";
import { DatasetError } from "../src/errors.js";
import { empty, temporaryTree } from "./temporary-tree.js";

const PICTURES = empty("a.jpg", "deep/b.jpg", "c, d.png");

async function open(csv: string, more: Partial<CsvOptions> = {}) {
  const file = join(temporaryTree({ ...PICTURES, "labels.csv": csv }), "labels.csv");
  const { classes, items } = await openCsv({ file, ...more });
  return { classes, items: [...items].map(({ name, labels }) => [name, labels.map((label) => classes[label])]) };
}

describe("openCsv", () => {
  it.each([
    ["without a header", 'a.jpg,dog|cat\ndeep/b.jpg,\n"c, d.png",cat\n'],
    ["with a header", 'path,labels\na.jpg,dog|cat\ndeep/b.jpg,\n"c, d.png",cat\n'],
    ["in another order, with more columns", 'id,tags,image\n1,"cat|dog",a.jpg\n2,,deep/b.jpg\n3,cat,"c, d.png"'],
    ["from a spreadsheet", '\ufeffpath, labels\r\na.jpg, dog | cat |\r\n\r\ndeep/b.jpg,\r\n"c, d.png",cat\r\n'],
  ])("%s", async (_, csv) => {
    expect(await open(csv)).toEqual({
      classes: ["cat", "dog"],
      items: [
        ["a.jpg", ["cat", "dog"]],
        ["deep/b.jpg", []],
        ["c, d.png", ["cat"]],
      ],
    });
  });

  it("takes given classes, aliases, another separator, one split", async () => {
    const classes = ["hound", "cat"];
    const csv = "path,labels,split\na.jpg,dog;cat,train\ndeep/b.jpg,cat,val\n";
    const { items } = await open(csv, { classes, aliases: { dog: "hound" }, separator: ";", split: "train" });
    expect(items).toEqual([["a.jpg", ["hound", "cat"]]]);
    const file = join(temporaryTree({ "l.csv": csv, "m.csv": "a.jpg,cat\n" }), "l.csv");
    expect(await csvSplits(file)).toEqual(["train", "val"]);
    expect(await csvSplits(file.replace("l.csv", "m.csv"))).toEqual([]);
  });

  it.each<[string, string, Partial<CsvOptions>, string]>([
    ["a row without labels", "a.jpg,cat\ndeep/b.jpg\n", {}, "line 2: must have a path and labels"],
    ["a picture twice", "a.jpg,cat\nc.jpg,\na.jpg,dog", {}, 'line 3: "a.jpg" is there already on line 1'],
    ["an empty file", "", {}, "nothing to load: it is empty"],
    ["an open quote", 'a.jpg,"cat\n', {}, "Quote Not Closed"],
    ["missing pictures", "a.jpg,cat\nx.jpg,cat", {}, "1 of 2 pictures named in"],
    ["a path out of the folder", "../a.jpg,cat", {}, '"../a.jpg" leaves the folder'],
    ["no labels at all", "a.jpg,\n", {}, "it has no classes; at least one is needed"],
    [
      "a label of no class",
      "a.jpg,cat|cow",
      { classes: ["cat"] },
      '1 labels are none of the 1 classes (cat): "cow" (line 1)',
    ],
    ["no split column", "a.jpg,cat", { split: "train" }, 'line 1: must be a header with a column "split"'],
    [
      "no row of the split",
      "path,labels,split\na.jpg,cat,val",
      { split: "train" },
      'no row is of the split "train"; it has val',
    ],
  ])("names what is wrong: %s", async (_, csv, more, message) => {
    const opening = open(csv, more);
    await expect(opening).rejects.toThrow(DatasetError);
    await expect(opening).rejects.toThrow(message);
  });

  it("names a missing file", async () => {
    const file = join(temporaryTree({}), "no.csv");
    await expect(openCsv({ file })).rejects.toThrow(`${file}: no such file. Expected a CSV file of rows`);
  });
});

describe("openFolderTree", () => {
  it("has a class per folder, and its pictures however deep, but nothing hidden", async () => {
    const folder = temporaryTree(
      empty(
        "dog/2.jpg",
        "dog/more/1.PNG",
        "dog/notes.txt",
        "cat/1.jpg",
        "cat/._1.jpg",
        "cat/.thumbs/1.jpg",
        ".git/1.jpg",
      ),
    );
    const { classes, items } = await openFolderTree({ folder });
    expect(classes).toEqual(["cat", "dog"]);
    expect([...items].map(({ name, labels }) => [name, ...labels])).toEqual([
      [join("cat", "1.jpg"), 0],
      [join("dog", "2.jpg"), 1],
      [join("dog", "more", "1.PNG"), 1],
    ]);
  });

  it.each<[string, Record<string, string>, readonly string[] | undefined, string]>([
    ["no folders", empty("1.jpg"), undefined, "has no folders in it"],
    ["no pictures", empty("cat/a.txt"), undefined, "none of its 1 folders has a picture"],
    ["a folder of no class", empty("cat/1.jpg", "cow/1.jpg"), ["cat"], 'none of the 1 classes (cat): folder "cow"'],
  ])("names what is wrong: %s", async (_, files, classes, message) => {
    const options = { folder: temporaryTree(files), ...(classes === undefined ? {} : { classes }) };
    await expect(openFolderTree(options)).rejects.toThrow(message);
  });
});

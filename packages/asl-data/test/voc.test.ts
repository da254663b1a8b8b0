import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openVoc, VOC_CLASSES, type VocOptions } from "../src/datasets/voc.js";
import { DatasetError } from "../src/errors.js";
import { empty, temporaryTree } from "./temporary-tree.js";

const object = (name: string, difficult?: 0 | 1) =>
  `<object><name>${name}</name>${difficult === undefined ? "" : `<difficult>${difficult}</difficult>`}` +
  "<bndbox><xmin>1</xmin></bndbox><part><name>head</name></part></object>";
const xml = (...objects: readonly string[]) => `<annotation><folder>VOC</folder>${objects.join("")}</annotation>`;

const TREE = {
  ...empty("JPEGImages/000001.jpg", "JPEGImages/000002.jpg", "JPEGImages/000003.png"),
  "ImageSets/Main/train.txt": "000001\r\n000003\n",
  "ImageSets/Main/val.txt": "000002  1\n",
  "ImageSets/Main/cat_train.txt": "000001  1\n000003 -1\n",
  "Annotations/000001.xml": xml(object("cat", 0), object("cat", 1), object("tvmonitor", 1)),
  "Annotations/000002.xml": xml(object("person")),
  "Annotations/000003.xml": xml(),
};
const cat = VOC_CLASSES.indexOf("cat");
const tv = VOC_CLASSES.indexOf("tvmonitor");

const open = async (more: Partial<VocOptions> = {}, changes: Record<string, string> = {}) =>
  openVoc({ folder: temporaryTree({ ...TREE, ...changes }), split: "train", ...more });

describe("openVoc", () => {
  it("has PASCAL's 20 classes, the pictures of the split, and leaves difficult objects unannotated", async () => {
    const { classes, items } = await open();
    expect(classes).toEqual(VOC_CLASSES);
    expect(classes).toHaveLength(20);
    expect([...items].map(({ name, labels, unannotated }) => ({ name, labels, unannotated }))).toEqual([
      { name: "000001.jpg", labels: [cat], unannotated: [tv] },
      { name: "000003.png", labels: [], unannotated: undefined },
    ]);
  });

  it.each([
    ["include", { labels: [cat, tv] }],
    ["negative", { labels: [cat] }],
  ] as const)("counts difficult objects as asked: %s", async (difficult, expected) => {
    const { items } = await open({ difficult });
    expect(items.at(0)).toMatchObject(expected);
    expect(items.at(0)!.unannotated).toBeUndefined();
  });

  it("takes other classes as they occur, aliases, given classes", async () => {
    const own = await open({}, { "Annotations/000003.xml": xml(object("axolotl")) });
    expect(own.classes).toEqual(["axolotl", "cat", "tvmonitor"]);
    const classes = ["tv", "cat"];
    const given = await open({ classes, aliases: { tvmonitor: "tv" } });
    expect(given.items.at(0)).toMatchObject({ labels: [1], unannotated: [0] });
  });

  it("leaves out pictures without a label, and missing ones, when asked", async () => {
    expect((await open({ dropUnannotated: true })).items).toHaveLength(1);
    const told: unknown[] = [];
    const list = { "ImageSets/Main/train.txt": "000001\n000009\n", "Annotations/000009.xml": xml() };
    const { items } = await open({ skipMissing: true, onMissing: (missing) => told.push(missing) }, list);
    expect(items).toHaveLength(1);
    expect(told).toEqual([{ count: 1, total: 2, names: ["000009.jpg"] }]);
  });
});

describe("openVoc names what is wrong and where", () => {
  it.each<[string, Record<string, string>, Partial<VocOptions>, string]>([
    ["no such split", {}, { split: "test" }, 'the list of the pictures of split "test"; it has train, val.'],
    ["an empty list", { "ImageSets/Main/train.txt": "\n" }, {}, "train.txt: nothing to load: the list is empty"],
    ["a doubled name", { "ImageSets/Main/train.txt": "000001\n000001" }, {}, '"000001" is there twice'],
    ["missing annotations", { "ImageSets/Main/train.txt": "000001\n000009" }, {}, "1 of 2 annotation files of "],
    [
      "missing pictures",
      { "ImageSets/Main/train.txt": "000001\n000009", "Annotations/000009.xml": xml() },
      {},
      "1 of 2 pictures named in",
    ],
    [
      "broken XML",
      { "Annotations/000001.xml": "<annotation>\n<object></annotation>" },
      {},
      "000001.xml: line 2, column 9: not valid XML",
    ],
    ["no XML", { "Annotations/000001.xml": "" }, {}, "000001.xml: line 1: not valid XML (Start tag expected.)"],
    [
      "tags in tags without end",
      { "Annotations/000001.xml": `<annotation>${"<a>".repeat(5000)}${"</a>".repeat(5000)}</annotation>` },
      {},
      "000001.xml: cannot be read as XML (",
    ],
    [
      "a reserved name",
      { "Annotations/000001.xml": "<annotation><__proto__/></annotation>" },
      {},
      "cannot be read as XML",
    ],
    ["other XML", { "Annotations/000001.xml": "<svg/>" }, {}, "the outermost element must be <annotation>"],
    [
      "an object without name",
      { "Annotations/000001.xml": xml(object("cat"), "<object><difficult>0</difficult></object>") },
      {},
      "000001.xml: <name> of object 2 must be the name of a class; found nothing",
    ],
    [
      "a wrong flag",
      { "Annotations/000001.xml": xml("<object><name>cat</name><difficult>yes</difficult></object>") },
      {},
      '<difficult> of object 1 must be 0 or 1; found "yes"',
    ],
    [
      "classes of another dataset",
      {},
      { classes: ["cat", "dog"] },
      'labels are none of the 2 classes (cat, dog): "tvmonitor" (000001.xml)',
    ],
  ])("%s", async (_, changes, more, message) => {
    const opening = open(more, changes);
    await expect(opening).rejects.toThrow(DatasetError);
    await expect(opening).rejects.toThrow(message);
  });

  it("a folder that is no PASCAL-VOC tree", async () => {
    const folder = temporaryTree({ "a.txt": "" });
    await expect(openVoc({ folder, split: "train" })).rejects.toThrow(
      `${join(folder, "ImageSets", "Main", "train.txt")}: no such file`,
    );
  });
});

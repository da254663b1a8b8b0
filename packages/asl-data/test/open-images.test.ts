import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeTargets } from "../src/dataset.js";
import { ImageIds } from "../src/datasets/image-ids.js";
import { type OpenImagesOptions, openOpenImages } from "../src/datasets/open-images.js";
import { DatasetError } from "../src/errors.js";
import { empty, temporaryTree } from "./temporary-tree.js";

const [A, B, C] = ["00000000000000aa", "ffffffffffffffff", "0123456789abcdef"];
const HEADER = "ImageID,Source,LabelName,Confidence\n";
const FILES = {
  ...empty(`train/${A}.jpg`, `train/${B}.jpg`),
  "descriptions.csv": 'LabelName,DisplayName\n/m/01,Bat\n/m/02,"Ham, cooked"\n/m/03,Bat\n/m/04,Tree\n',
  "trainable.txt": "/m/01\n/m/02\n/m/03\n",
  "labels.csv": `${HEADER}${A},verification,/m/01,1\n${B},verification,/m/02,0\n${A},verification,/m/04,1\n${A},crowdsource-verification,/m/02,0\n${B},machine,/m/01,0.7\n`,
};

function open(changes: Record<string, string> = {}, more: Partial<OpenImagesOptions> = {}) {
  const folder = temporaryTree({ ...FILES, ...changes });
  return openOpenImages({
    labels: join(folder, "labels.csv"),
    descriptions: join(folder, "descriptions.csv"),
    trainable: join(folder, "trainable.txt"),
    pictures: join(folder, "train"),
    ...more,
  });
}

const targetsOf = async (opening: ReturnType<typeof open>) => {
  const { classes, items } = await opening;
  return Array.from(items, (item) => {
    const targets = new Float32Array(classes.length);
    writeTargets(item, targets, 0, classes.length);
    return [item.name.slice(0, 16), ...targets];
  });
};

describe("openOpenImages", () => {
  it("has the trainable classes, told apart, and what was not verified is -1", async () => {
    expect((await open()).classes).toEqual(["Bat (/m/01)", "Ham, cooked", "Bat (/m/03)"]);
    expect(await targetsOf(open())).toEqual([
      [A, 1, 0, -1],
      [B, -1, 0, -1],
    ]);
  });

  it("has every described class without a list of trainable ones, in the order of the descriptions", async () => {
    const folder = temporaryTree(FILES);
    const { classes } = await openOpenImages({
      labels: join(folder, "labels.csv"),
      descriptions: join(folder, "descriptions.csv"),
      pictures: join(folder, "train"),
    });
    expect(classes).toEqual(["Bat (/m/01)", "Ham, cooked", "Bat (/m/03)", "Tree"]);
  });

  it("gives the same for rows in any order; of contradicting rows the positive holds", async () => {
    const verdicts = fc.array(
      fc.tuple(fc.constantFrom(A, B), fc.constantFrom("/m/01", "/m/02", "/m/03"), fc.constantFrom(0, 1)),
      { minLength: 1 },
    );
    await fc.assert(
      fc.asyncProperty(verdicts, async (rows) => {
        const text = rows.map(([id, label, confidence]) => `${id},x,${label},${confidence}`).join("\n");
        const expected = [A, B].flatMap((id) => {
          const own = rows.filter(([picture]) => picture === id);
          const target = (label: string) => Math.max(-1, ...own.filter((row) => row[1] === label).map((row) => row[2]));
          return own.length === 0 ? [] : [[id, target("/m/01"), target("/m/02"), target("/m/03")]];
        });
        const found = await targetsOf(open({ "labels.csv": HEADER + text }));
        expect(new Map(found.map(([id, ...rest]) => [id, rest]))).toEqual(
          new Map(expected.map(([id, ...rest]) => [id, rest])),
        );
      }),
      { numRuns: 30 },
    );
  });

  it("leaves out pictures that were not downloaded when asked", async () => {
    const labels = { "labels.csv": `${FILES["labels.csv"]}${C},verification,/m/01,1\n` };
    await expect(open(labels)).rejects.toThrow(`1 of 3 pictures named in`);
    await expect(open(labels)).rejects.toThrow(`${C}.jpg`);
    expect(await targetsOf(open(labels, { skipMissing: true }))).toHaveLength(2);
  });

  it.each<[string, Record<string, string>, string]>([
    [
      "a short row",
      { "labels.csv": `${HEADER}${A},x,/m/01\n` },
      "labels.csv: line 2: must have an image id, source, label",
    ],
    ["a wrong confidence", { "labels.csv": `${HEADER}${A},x,/m/01,yes\n` }, "line 2: must have"],
    [
      "a wrong id",
      { "labels.csv": `${HEADER}${A},x,/m/01,1\ncat,x,/m/01,1\n` },
      "line 3: must have an image id of 16 hex",
    ],
    ["no rows", { "labels.csv": HEADER }, "nothing to load: it has no rows"],
    [
      "a wrong description",
      { "descriptions.csv": "/m/01,Bat\nBat\n" },
      "descriptions.csv: line 2: must be a label name",
    ],
    [
      "a wrong class list",
      { "trainable.txt": "/m/01\nBat\n" },
      'trainable.txt: line 2: must be a label name such as /m/05r655; found "Bat"',
    ],
  ])("names what is wrong: %s", async (_, changes, message) => {
    const opening = open(changes);
    await expect(opening).rejects.toThrow(DatasetError);
    await expect(opening).rejects.toThrow(message);
  });
});

describe("ImageIds", () => {
  it("numbers ids as a Map does, also beyond its first size", () => {
    const ids = new ImageIds();
    const numbers = new Map<string, number>();
    for (let index = 0; index < 150_000; index++) {
      const id = ((index * 2654435761) % 120_011).toString(16).padStart(16, index % 3 === 0 ? "0" : "f");
      const expected = numbers.get(id) ?? numbers.size;
      numbers.set(id, expected);
      if (ids.numberOf(id) !== expected) expect(ids.numberOf(id)).toBe(expected);
    }
    expect(ids.count).toBe(numbers.size);
    for (const [id, number] of [...numbers].slice(-1000)) expect(ids.idOf(number)).toBe(id);
    expect(ids.numberOf("xyz")).toBeUndefined();
  });
});

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type NusWideOptions, openNusWide } from "../src/datasets/nus-wide.js";
import { DatasetError } from "../src/errors.js";
import { empty, temporaryTree } from "./temporary-tree.js";

/** As distributed: backslashes in the list, "0 " and "1 " with a space, Windows line ends. */
const TREE = {
  ...empty("Flickr/actor/0001_1.jpg", "Flickr/zebra/0002_2.jpg", "Flickr/actor/0003_3.jpg"),
  "ImageList/TrainImagelist.txt": "actor\\0001_1.jpg\r\nzebra\\0002_2.jpg\r\n",
  "ImageList/TestImagelist.txt": "actor\\0003_3.jpg\r\n",
  "ConceptsList/Concepts81.txt": "airport\nanimal\n",
  "Groundtruth/TrainTestLabels/Labels_airport_Train.txt": "0 \r\n0 \r\n",
  "Groundtruth/TrainTestLabels/Labels_animal_Train.txt": "1 \r\n0 \r\n",
  "Groundtruth/TrainTestLabels/Labels_airport_Test.txt": "1\n",
  "Groundtruth/TrainTestLabels/Labels_animal_Test.txt": "1\n",
};

const open = (more: Partial<NusWideOptions> = {}, changes: Record<string, string> = {}) =>
  openNusWide({ folder: temporaryTree({ ...TREE, ...changes }), split: "Train", ...more });

describe("openNusWide", () => {
  it("reads the lists of a split", async () => {
    const { classes, items } = await open();
    expect(classes).toEqual(["airport", "animal"]);
    expect([...items].map(({ name, labels }) => [name, labels])).toEqual([
      ["actor/0001_1.jpg", [1]],
      ["zebra/0002_2.jpg", []],
    ]);
    const test = await open({ split: "Test" });
    expect(test.items.at(0)!.file.endsWith(join("Flickr", "actor/0003_3.jpg"))).toBe(true);
    expect(test.items.at(0)!.labels).toEqual([0, 1]);
  });

  const labels = "Groundtruth/TrainTestLabels/Labels_animal_Train.txt";
  it.each<[string, Record<string, string>, Partial<NusWideOptions>, string]>([
    ["a label too few", { [labels]: "1\n" }, {}, "has 1 labels, but TrainImagelist.txt has 2 pictures"],
    ["a wrong label", { [labels]: "1\n2\n" }, {}, 'Labels_animal_Train.txt: line 2: must be 0 or 1; found "2"'],
    ["a missing list", {}, { split: "All" }, "Imagelist.txt (the list of pictures) is missing"],
    [
      "a list twice",
      { "more/Concepts81.txt": "a" },
      {},
      "Concepts81.txt (the list of concepts) is there more than once",
    ],
    [
      "a concept without labels",
      { "ConceptsList/Concepts81.txt": "airport\ncow" },
      {},
      'Labels_cow_Train.txt (the labels of "cow") is missing',
    ],
    ["missing pictures", { "ImageList/TrainImagelist.txt": "a\\b.jpg\nzebra\\0002_2.jpg" }, {}, "1 of 2 pictures"],
    ["given classes without it", {}, { classes: ["airport"] }, '(airport): "animal" (1 pictures)'],
  ])("names what is wrong: %s", async (_, changes, more, message) => {
    const opening = open(more, changes);
    await expect(opening).rejects.toThrow(DatasetError);
    await expect(opening).rejects.toThrow(message);
  });
});

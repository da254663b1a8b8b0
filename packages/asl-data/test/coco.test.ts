import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCoco } from "../src/datasets/coco.js";
import { DatasetError } from "../src/errors.js";
import { hasShared, shared } from "./repository.js";

const folder = mkdtempSync(join(tmpdir(), "asl-data-coco-"));
const pictures = join(folder, "pictures");
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(() => {
  mkdirSync(join(pictures, "deep"), { recursive: true });
  for (const name of ["a.jpg", "b.jpg", "deep/c.jpg"]) writeFileSync(join(pictures, name), "");
});

/** Category ids are neither dense nor in order; b has no annotation. */
const valid = {
  images: [
    { id: 10, file_name: "a.jpg" },
    { id: 11, file_name: "b.jpg" },
    { id: 12, file_name: "deep/c.jpg" },
  ],
  categories: [
    { id: 17, name: "cat" },
    { id: 3, name: "car" },
    { id: 90, name: "toothbrush" },
  ],
  annotations: [
    { image_id: 10, category_id: 90, iscrowd: 1 },
    { image_id: 12, category_id: 17 },
    { image_id: 10, category_id: 3 },
    { image_id: 10, category_id: 3 },
  ],
};

let written = 0;
function write(json: unknown): string {
  const file = join(folder, `instances-${written++}.json`);
  writeFileSync(file, typeof json === "string" ? json : JSON.stringify(json));
  return file;
}

describe("openCoco", () => {
  it("orders classes by category id and gives each picture its classes once", async () => {
    const dataset = await openCoco({ pictures, annotations: write(valid) });
    expect(dataset.classes).toEqual(["car", "cat", "toothbrush"]);
    expect(dataset.categoryIds).toEqual([3, 17, 90]);
    expect(dataset.items).toEqual([
      { id: 10, name: "a.jpg", file: join(pictures, "a.jpg"), labels: [0, 2] },
      { id: 11, name: "b.jpg", file: join(pictures, "b.jpg"), labels: [] },
      { id: 12, name: "deep/c.jpg", file: join(pictures, "deep/c.jpg"), labels: [1] },
    ]);
  });

  it("drops pictures without annotations when asked", async () => {
    const { items } = await openCoco({ pictures, annotations: write(valid), dropUnannotated: true });
    expect(items.map(({ id }) => id)).toEqual([10, 12]);
  });

  it("takes a given class list, matched by name", async () => {
    const classes = ["dog", "toothbrush", "cat", "car"];
    const dataset = await openCoco({ pictures, annotations: write(valid), classes });
    expect(dataset.classes).toEqual(classes);
    expect(dataset.categoryIds).toEqual([undefined, 90, 17, 3]);
    expect(dataset.items.map(({ labels }) => labels)).toEqual([[1, 3], [], [2]]);
  });

  it.skipIf(!hasShared)(
    "reads the real pictures of ../shared/data/coco-free (skipped where that is absent)",
    async () => {
      const free = join(shared, "data/coco-free");
      for (const [split, count] of [
        ["train", 189],
        ["val", 94],
      ] as const) {
        const annotations = join(free, `instances_free_${split}.json`);
        const dataset = await openCoco({ pictures: join(free, split), annotations });
        expect(dataset.classes).toHaveLength(80);
        expect(dataset.categoryIds[79]).toBe(90);
        expect(dataset.items).toHaveLength(count);
      }
    },
  );
});

describe("openCoco names what is wrong and where", () => {
  const image = valid.images[0]!;
  const cases: readonly (readonly [string, unknown, readonly string[]])[] = [
    ["no JSON", "{", ["not valid JSON"]],
    ["another JSON", [1, 2], ["the file must be an object", "found [1,2]"]],
    ["a missing key", { images: [], annotations: [] }, ['"categories" must be an array; found nothing']],
    ["an entry of the wrong type", { ...valid, images: [7] }, ["images[0] must be an object; found 7"]],
    [
      "a missing field",
      { ...valid, images: [image, { id: 1 }] },
      ["images[1].file_name must be a non-empty string; found nothing"],
    ],
    [
      "a wrong id",
      { ...valid, annotations: [{ image_id: "10", category_id: 3 }] },
      ['annotations[0].image_id must be an integer; found "10"'],
    ],
    ["a doubled id", { ...valid, images: [image, image] }, ["images[1].id = 10 is also the id of images[0]"]],
    [
      "a doubled class name",
      { ...valid, categories: [...valid.categories, { id: 4, name: "cat" }] },
      ['"cat" is there twice'],
    ],
    [
      "an unknown category",
      { ...valid, annotations: [{ image_id: 10, category_id: 4 }] },
      ["1 annotations name a category", "annotations[0].category_id = 4"],
    ],
    [
      "an unknown picture",
      { ...valid, annotations: [{ image_id: 1, category_id: 3 }] },
      ["1 annotations name an image id", "annotations[0].image_id = 1"],
    ],
    ["no pictures", { ...valid, images: [], annotations: [] }, ['"images" is empty']],
    ["no categories", { ...valid, categories: [], annotations: [] }, ['"categories" is empty']],
    [
      "a path out of the folder",
      { ...valid, images: [{ id: 10, file_name: "../x.jpg" }], annotations: [] },
      ['"../x.jpg" leaves the folder'],
    ],
  ];
  it.each(cases)("%s", async (_, json, parts) => {
    const annotations = write(json);
    const opening = openCoco({ pictures, annotations });
    await expect(opening).rejects.toThrow(DatasetError);
    for (const part of parts) await expect(opening).rejects.toThrow(part);
    await expect(opening).rejects.toThrow(annotations);
  });

  it("missing pictures: how many, and the first of them", async () => {
    const absent = Array.from({ length: 8 }, (_, i) => ({ id: 100 + i, file_name: `absent-${i}.jpg` }));
    const annotations = write({ ...valid, images: [...valid.images, ...absent] });
    await expect(openCoco({ pictures, annotations })).rejects.toThrow(
      "8 of 11 pictures named in " +
        `${annotations} are missing: absent-0.jpg, absent-1.jpg, absent-2.jpg, absent-3.jpg, absent-4.jpg and 3 more`,
    );
  });

  it("a missing annotation file or picture folder", async () => {
    const absent = join(folder, "absent");
    await expect(openCoco({ pictures, annotations: absent })).rejects.toThrow(`${absent}: no such file`);
    await expect(openCoco({ pictures: absent, annotations: write(valid) })).rejects.toThrow(
      `${absent}: no such folder`,
    );
    const file = join(pictures, "a.jpg");
    await expect(openCoco({ pictures: file, annotations: write(valid) })).rejects.toThrow(
      `${file}: this is not a folder`,
    );
  });

  it("a class list of another dataset", async () => {
    const opening = openCoco({ pictures, annotations: write(valid), classes: ["rose", "tulip"] });
    await expect(opening).rejects.toThrow(
      "none of its 3 categories (car, cat, toothbrush) is among the 2 given classes (rose, tulip)",
    );
    const partly = openCoco({ pictures, annotations: write(valid), classes: ["car", "cat"] });
    await expect(partly).rejects.toThrow("1 annotations name a category that is not among the given classes");
  });
});

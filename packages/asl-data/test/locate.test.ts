import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { csvSources, locateSources } from "../src/datasets/locate.js";
import { empty, temporaryTree } from "./temporary-tree.js";

const NONE = { train: undefined, val: undefined, whole: undefined };

describe("locateSources recognises a dataset by its files", () => {
  it("PASCAL-VOC: trainval and test where there is a test, else train and val", async () => {
    const lists = (...splits: string[]) =>
      empty("VOC2007/Annotations/1.xml", ...splits.map((split) => `VOC2007/ImageSets/Main/${split}.txt`));
    const root = temporaryTree(lists("train", "val", "trainval", "cat_train", "cat_val"));
    const voc = (split: string, at = root) => ({ kind: "voc", folder: join(at, "VOC2007"), split });
    expect(await locateSources(root, undefined)).toEqual({ train: voc("train"), val: voc("val"), whole: undefined });
    const asked = await locateSources(join(root, "VOC2007"), "voc", { train: "trainval" });
    expect(asked.train).toEqual(voc("trainval"));
    const tested = temporaryTree(lists("train", "val", "trainval", "test"));
    expect(await locateSources(tested, undefined)).toMatchObject({
      train: voc("trainval", tested),
      val: voc("test", tested),
    });
    const both = temporaryTree({
      ...lists("train"),
      ...empty("VOC2012/Annotations/1.xml", "VOC2012/ImageSets/Main/train.txt"),
    });
    await expect(locateSources(both, undefined)).rejects.toThrow("holds several PASCAL-VOC trees");
  });

  it("NUS-WIDE", async () => {
    const folder = temporaryTree(
      empty("ImageList/TrainImagelist.txt", "ImageList/TestImagelist.txt", "C/Concepts81.txt"),
    );
    expect(await locateSources(folder, undefined)).toEqual({
      train: { kind: "nus-wide", folder, split: "Train" },
      val: { kind: "nus-wide", folder, split: "Test" },
      whole: undefined,
    });
    await expect(locateSources(folder, undefined, { val: "all" })).rejects.toThrow(
      'no split "all" here; it has Train, Test',
    );
  });

  it("Open Images", async () => {
    const folder = temporaryTree(
      empty(
        "oidv6-class-descriptions.csv",
        "class-descriptions-boxable.csv",
        "oidv6-classes-trainable.txt",
        "labels/oidv6-train-annotations-human-imagelabels.csv",
        "labels/validation-annotations-human-imagelabels.csv",
        "train/00.jpg",
        "images/validation/00.jpg",
      ),
    );
    const set = (labels: string, pictures: string) => ({
      kind: "open-images",
      labels: join(folder, "labels", labels),
      descriptions: join(folder, "oidv6-class-descriptions.csv"),
      trainable: join(folder, "oidv6-classes-trainable.txt"),
      pictures: join(folder, pictures),
    });
    expect(await locateSources(folder, undefined)).toEqual({
      train: set("oidv6-train-annotations-human-imagelabels.csv", "train"),
      val: set("validation-annotations-human-imagelabels.csv", "images/validation"),
      whole: undefined,
    });
  });

  it("COCO, also of 2014", async () => {
    const folder = temporaryTree(
      empty(
        "annotations/instances_train2014.json",
        "annotations/instances_val2014.json",
        "train2014/1.jpg",
        "val2014/1.jpg",
      ),
    );
    const set = (split: string) => ({
      kind: "coco",
      pictures: join(folder, split),
      annotations: join(folder, "annotations", `instances_${split}.json`),
    });
    expect(await locateSources(folder, undefined)).toEqual({
      train: set("train2014"),
      val: set("val2014"),
      whole: undefined,
    });
  });

  it("CSV: a file, files of the splits, or a column of the splits", async () => {
    const folder = temporaryTree({
      "labels.csv": "path,labels,split\na.jpg,cat,train\nb.jpg,cat,val\n",
      "own.csv": "a.jpg,cat",
    });
    const csv = (file: string, split?: string) => ({
      kind: "csv",
      file: join(folder, file),
      ...(split === undefined ? {} : { split }),
    });
    const split = { train: csv("labels.csv", "train"), val: csv("labels.csv", "val"), whole: undefined };
    expect(await locateSources(folder, undefined)).toEqual(split);
    expect(await locateSources(join(folder, "labels.csv"), undefined)).toEqual(split);
    expect(await locateSources(join(folder, "own.csv"), "csv")).toEqual({ ...NONE, whole: csv("own.csv") });
    const files = temporaryTree({ "train.csv": "a.jpg,cat", "val.csv": "a.jpg,cat" });
    expect(await locateSources(files, undefined)).toMatchObject({
      train: { file: join(files, "train.csv") },
      val: { file: join(files, "val.csv") },
    });
  });

  it("a folder per class, with or without folders of the splits", async () => {
    const whole = temporaryTree(empty("cat/1.jpg", "dog/1.jpg"));
    expect(await locateSources(whole, undefined)).toEqual({ ...NONE, whole: { kind: "folders", folder: whole } });
    const split = temporaryTree(empty("train/cat/1.jpg", "train/dog/1.jpg", "val/cat/1.jpg", "val/dog/1.jpg"));
    expect(await locateSources(split, undefined)).toEqual({
      train: { kind: "folders", folder: join(split, "train") },
      val: { kind: "folders", folder: join(split, "val") },
      whole: undefined,
    });
  });

  it("nothing: pictures alone, the folders of splits without annotations, an empty folder", async () => {
    for (const files of [empty("1.jpg"), empty("train/1.jpg", "val/1.jpg"), {}]) {
      expect(await locateSources(temporaryTree(files), undefined)).toEqual(NONE);
    }
  });

  it("through links to folders, as of datasets that are kept on another disk", async () => {
    const disk = temporaryTree(empty("train2017/1.jpg", "tree/cat/1.jpg", "tree/dog/1.jpg", "lists/Concepts81.txt"));
    const folder = temporaryTree(empty("coco/annotations/instances_train2017.json", "nus/TrainImagelist.txt"));
    const link = (name: string, to: string) => symlinkSync(join(disk, to), join(folder, name), "junction");
    link("coco/train2017", "train2017");
    mkdirSync(join(folder, "classes"));
    link("classes/train", "tree");
    link("nus/lists", "lists");
    const [coco, classes, nus] = await Promise.all(
      ["coco", "classes", "nus"].map((name) => locateSources(join(folder, name), undefined)),
    );
    expect(coco?.train).toMatchObject({ kind: "coco", pictures: join(folder, "coco/train2017") });
    expect(classes?.train).toEqual({ kind: "folders", folder: join(folder, "classes/train") });
    expect(nus?.train).toMatchObject({ kind: "nus-wide", split: "Train" });
  });

  it("but not by hidden folders", async () => {
    const folder = temporaryTree(empty("cat/1.jpg", ".ipynb_checkpoints/1.jpg"));
    expect(await locateSources(folder, undefined)).toEqual(NONE);
  });
});

describe("a set that is asked for by name", () => {
  it("is that set, of any kind of dataset", async () => {
    const coco = temporaryTree(
      empty("annotations/instances_train.json", "annotations/instances_val.json", "val/1.jpg"),
    );
    expect(await locateSources(coco, undefined, { val: "train" })).toMatchObject({
      val: { annotations: join(coco, "annotations/instances_train.json") },
    });
    const classes = (...splits: readonly string[]) =>
      temporaryTree(empty(...splits.flatMap((split) => [`${split}/cat/1.jpg`, `${split}/dog/1.jpg`])));
    const folders = classes("train", "val", "test");
    expect(await locateSources(folders, undefined, { val: "test" })).toMatchObject({
      train: { folder: join(folders, "train") },
      val: { folder: join(folders, "test") },
    });
    const csv = temporaryTree(empty("train.csv", "val.csv", "test.csv", "extra.csv"));
    expect(await locateSources(csv, "csv", { train: "extra", val: "test" })).toMatchObject({
      train: { file: join(csv, "extra.csv") },
      val: { file: join(csv, "test.csv") },
    });
    const column = temporaryTree({ "all.csv": "path,labels,split\na.jpg,cat,A\nb.jpg,cat,B\n" });
    const file = join(column, "all.csv");
    expect(await csvSources(file, { val: "B" }, "photos")).toEqual({
      ...NONE,
      val: { kind: "csv", file, pictures: "photos", split: "B" },
    });
  });

  it("is an error where there is none such", async () => {
    const openImages = empty("class-descriptions.csv", "train-annotations-human-imagelabels.csv");
    const refused = [
      [empty("annotations/instances_train.json"), 'no split "dev" here; it has train'],
      [empty("instances.json"), 'no split "dev" here; it has no splits'],
      [empty("train/cat/1.jpg", "train/dog/1.jpg"), 'no split "dev" here; it has train'],
      [empty("cat/1.jpg", "dog/1.jpg"), 'no split "dev" here; it has no splits'],
      [empty("train.csv"), 'no split "dev" here; it has train'],
    ] as const;
    for (const [files, message] of refused) {
      await expect(locateSources(temporaryTree(files), undefined, { val: "dev" })).rejects.toThrow(message);
    }
    // a name is no pattern
    expect(await locateSources(temporaryTree(openImages), undefined, { train: "(" })).toEqual(NONE);
    expect(await locateSources(temporaryTree(openImages), undefined, { train: ".*" })).toEqual(NONE);
  });
});

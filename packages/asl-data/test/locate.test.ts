import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { locateSources } from "../src/datasets/locate.js";
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
});

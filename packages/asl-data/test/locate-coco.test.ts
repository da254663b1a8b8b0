import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { locateDataset } from "../src/datasets/locate-coco.js";

let root = "";
afterEach(() => rmSync(root, { recursive: true }));

/** Makes the folders and empty files, and returns their root. */
function tree(...paths: string[]): string {
  root = mkdtempSync(join(tmpdir(), "asl-dataset-"));
  for (const path of paths) {
    const whole = join(root, path);
    mkdirSync(path.endsWith("/") ? whole : dirname(whole), { recursive: true });
    if (!path.endsWith("/")) writeFileSync(whole, "{}");
  }
  return root;
}

const at = (annotations: string, pictures: string) => ({
  annotations: join(root, annotations),
  pictures: join(root, pictures),
});

describe("locateDataset", () => {
  it("finds COCO's own layout", async () => {
    tree(
      "annotations/instances_train2017.json",
      "annotations/instances_val2017.json",
      "annotations/captions_val2017.json",
      "train2017/",
      "val2017/",
    );
    expect(await locateDataset(root)).toEqual({
      train: at("annotations/instances_train2017.json", "train2017"),
      val: at("annotations/instances_val2017.json", "val2017"),
      whole: undefined,
    });
  });

  it("finds annotations beside the folders of pictures, also seen from one of these", async () => {
    tree("instances_free_train.json", "instances_free_val.json", "train/", "val/");
    const expected = {
      train: at("instances_free_train.json", "train"),
      val: at("instances_free_val.json", "val"),
      whole: undefined,
    };
    expect(await locateDataset(root)).toEqual(expected);
    expect(await locateDataset(join(root, "val"))).toEqual(expected);
  });

  it("finds annotations inside the folders of the splits", async () => {
    tree("train/instances.json", "train/pictures/", "val/instances.json", "val/pictures/");
    expect(await locateDataset(root)).toMatchObject({
      train: at("train/instances.json", "train/pictures"),
      val: at("val/instances.json", "val/pictures"),
    });
  });

  it("finds one set without splits", async () => {
    tree("instances.json", "images/");
    expect(await locateDataset(root)).toEqual({
      train: undefined,
      val: undefined,
      whole: at("instances.json", "images"),
    });
  });

  it("takes a folder with its own annotations as it is, whatever stands beside it", async () => {
    tree(
      "emoji-val-800/instances.json",
      "emoji-val-800/pictures/",
      "emoji-train-24/instances.json",
      "emoji-train-64/instances.json",
    );
    const expected = at("emoji-val-800/instances.json", "emoji-val-800/pictures");
    expect(await locateDataset(join(root, "emoji-val-800"))).toEqual({
      train: undefined,
      val: undefined,
      whole: expected,
    });
  });

  it("finds nothing in a folder of pictures alone", async () => {
    tree("a.jpg");
    expect(await locateDataset(root)).toEqual({ train: undefined, val: undefined, whole: undefined });
  });

  it("refuses to choose between two files", async () => {
    tree("instances_train.json", "annotations/instances_train2017.json", "train/");
    await expect(locateDataset(root)).rejects.toThrow(
      /both .*instances_train.json and .*could be the annotations of train.*--annotations/,
    );
  });
});

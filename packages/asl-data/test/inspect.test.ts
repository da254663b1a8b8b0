import { describe, expect, it } from "vitest";
import type { Dataset } from "../src/dataset.js";
import { gini, labelStatistics } from "../src/inspect/label-statistics.js";
import { suggest } from "../src/inspect/suggest.js";

const item = (file: string, labels: readonly number[], more: object = {}) => ({ name: file, file, labels, ...more });
const dataset: Dataset = {
  classes: ["cat", "dog", "cow", "axolotl"],
  items: [
    item("a/1.jpg", [0, 1]),
    item("b/1.jpg", [0, 1], { unannotated: [2] }),
    item("a/2.jpg", [0], { negatives: [1] }),
    item("a/3.jpg", []),
  ],
};

describe("labelStatistics", () => {
  const statistics = labelStatistics(dataset);

  it("counts what is there, not there and not annotated, for every class of every picture", () => {
    expect(statistics.classes).toEqual([
      { name: "cat", positives: 3, negatives: 1, unannotated: 0 },
      { name: "dog", positives: 2, negatives: 2, unannotated: 0 },
      { name: "cow", positives: 0, negatives: 2, unannotated: 2 },
      { name: "axolotl", positives: 0, negatives: 3, unannotated: 1 },
    ]);
    expect(statistics).toMatchObject({ partial: true, absentClasses: ["cow", "axolotl"], negativesPerPositive: 8 / 5 });
    expect(statistics.positivesPerPicture).toEqual({ mean: 5 / 4, max: 2, none: 1 });
    expect(statistics.maxOverMin).toBe(3 / 2);
  });

  it("has the pairs with their lift, and the names that several files have", () => {
    expect(statistics.coOccurrences).toEqual([{ classes: ["cat", "dog"], pictures: 2, lift: (2 * 4) / (3 * 2) }]);
    expect(statistics.duplicateNames).toEqual([{ name: "1.jpg", files: ["a/1.jpg", "b/1.jpg"] }]);
  });

  it("measures inequality by Gini's coefficient", () => {
    expect(gini([5, 5, 5, 5])).toBe(0);
    expect(gini([0, 0, 0, 8])).toBe(0.75);
    expect(gini([1, 2, 3])).toBeCloseTo(2 / 9, 15);
    expect(gini([0, 0])).toBe(0);
  });
});

describe("suggest", () => {
  const labels = labelStatistics(dataset);
  const sides = (median: number) => ({ min: 1, low: 1, median, high: 9999, max: 9999 });
  const pictures = (median: number) => ({
    checked: 4,
    broken: [],
    shorterSide: sides(median),
    longerSide: null,
    aspectRatio: null,
  });

  it.each([
    [1.6, 0, 0],
    [5, 2, 0.05],
    [27, 4, 0.05],
  ])("%d negatives per positive: gamma-neg %d, clip %d", (negativesPerPositive, gammaNeg, clip) => {
    expect(suggest({ ...labels, negativesPerPositive }, undefined)).toMatchObject({ gammaNeg, clip, imageSize: null });
  });

  it.each([
    [480, 448],
    [224, 224],
    [20, 64],
    [4000, 640],
  ])("shorter sides of %d px: image size %d", (median, imageSize) => {
    expect(suggest(labels, pictures(median)).imageSize).toBe(imageSize);
  });

  it("says what partial labels mean", () => {
    expect(suggest(labels, undefined).reasons.join("\n")).toContain("--unannotated ignore");
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sigmoid } from "../src/scores.js";
import { jsonLine, selectTags, textLines } from "../src/tags.js";

const names = ["cat", "dog", "cow", "bus"];
const all = (threshold: number) => names.map(() => threshold);

describe("sigmoid", () => {
  it("has values in [0, 1] that rise, and sigmoid(-x) = 1 - sigmoid(x)", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), (x) => {
        expect(sigmoid(x)).toBeGreaterThanOrEqual(0);
        expect(sigmoid(x)).toBeLessThanOrEqual(1);
        expect(sigmoid(x) + sigmoid(-x)).toBeCloseTo(1, 15);
      }),
    );
    expect([sigmoid(Number.NEGATIVE_INFINITY), sigmoid(0), sigmoid(Number.POSITIVE_INFINITY)]).toEqual([0, 0.5, 1]);
  });
});

describe("selectTags", () => {
  it("gives the classes above their threshold, the highest first", () => {
    expect(selectTags(names, [0.6, 0.4, 0.9, 0.5], { thresholds: all(0.5) })).toEqual([
      { name: "cow", score: 0.9 },
      { name: "cat", score: 0.6 },
    ]);
  });

  it("takes a threshold for each class", () => {
    const tags = selectTags(names, [0.6, 0.4, 0.9, 0.5], { thresholds: [0.7, 0.3, 0.95, 0.5] });
    expect(tags.map(({ name }) => name)).toEqual(["dog"]);
  });

  it("keeps at most `top` of them, equal scores in class order", () => {
    const tags = selectTags(names, [0.6, 0.6, 0.9, 0.6], { thresholds: all(0.1), top: 2 });
    expect(tags.map(({ name }) => name)).toEqual(["cow", "cat"]);
  });
});

describe("output", () => {
  it("as JSON: the picture, its tags, and the score of every class", () => {
    const scores = [0.25, 0.5, 0.75, 0.125];
    const line = jsonLine("a.jpg", [{ name: "cow", score: 0.75 }], names, scores);
    expect(line).not.toContain("\n");
    expect(JSON.parse(line)).toEqual({
      image: "a.jpg",
      labels: [{ name: "cow", score: 0.75 }],
      scores: { cat: 0.25, dog: 0.5, cow: 0.75, bus: 0.125 },
    });
  });

  it("for people: the closest class where nothing is above the threshold", () => {
    expect(textLines("a.jpg", [], { name: "cow", score: 0.4 })).toBe(
      "a.jpg\n  no tag above the threshold; closest: cow 0.400",
    );
  });

  it("for people: aligned names with bars", () => {
    const text = textLines(
      "a.jpg",
      [
        { name: "traffic light", score: 1 },
        { name: "cow", score: 0.5 },
      ],
      { name: "traffic light", score: 1 },
    );
    expect(text).toBe(
      "a.jpg\n  traffic light  1.000  ####################\n  cow            0.500  ##########..........",
    );
  });
});

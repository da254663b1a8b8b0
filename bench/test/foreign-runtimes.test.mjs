import { describe, expect, it } from "vitest";
import { drawnPictures, tensorsOf } from "../foreign/pictures.mjs";
import { rowOf } from "../foreign-runtimes.mjs";

const answer = { version: "1", outputs: { logits: [1] }, load: 1, run: 1 };
const of = (ofBound, isJudged = true, precision = "float32") => ({
  ...{ name: "float32", precision, isJudged, judge: () => ({ difference: 0.5, ofBound }) },
});

describe("what a runtime answers", () => {
  it("passes up to the bound and fails beyond it", () => {
    expect(rowOf("OpenCV", of(1), answer)).toMatchObject({ outcome: "ok", difference: 0.5, ofBound: 1 });
    expect(rowOf("OpenCV", of(1.01), answer)).toMatchObject({
      outcome: "failed",
      reason: expect.stringMatching(/1.01 of what it may/),
    });
    expect(rowOf("OpenCV", of(Number.NaN), answer).outcome).toBe("failed");
  });

  it("is only measured where the runtime resizes", () => {
    expect(rowOf("OpenCV", of(9, false), answer).outcome).toBe("measured");
  });

  it("fails with the runtime's error, and with what the judge throws", () => {
    const reason = "no such op";
    expect(rowOf("OpenCV", of(0), { version: "1", error: reason })).toMatchObject({ outcome: "failed", reason });
    const judge = () => {
      throw new Error("numbers that are not finite");
    };
    expect(rowOf("OpenCV", { ...of(0), judge }, answer)).toMatchObject({
      outcome: "failed",
      reason: expect.stringMatching(/not finite/),
    });
  });

  it("may deviate as declared, and fails once it no longer does", () => {
    expect(rowOf("tract", of(0, true, "fp16"), { version: "1", error: "x" }).outcome).toBe("deviates");
    expect(rowOf("tract", of(0, true, "fp16"), answer)).toMatchObject({
      outcome: "failed",
      reason: expect.stringMatching(/remove that/),
    });
  });

  it("names the package that is missing", () => {
    expect(rowOf("tract", of(0), { missing: "tract" })).toMatchObject({ outcome: "missing", reason: "tract" });
  });
});

describe("drawn pictures", () => {
  it("are the same each time, become tensors in [0,1], and differ from each other", () => {
    const pictures = drawnPictures(2, 8, 8);
    expect(drawnPictures(2, 8, 8)).toEqual(pictures);
    const { type, data } = tensorsOf(pictures, 8, "bilinear");
    expect(type.shape).toEqual([2, 3, 8, 8]);
    expect(data[0]).toBe(Math.fround(pictures.data[0] / 255));
    expect(Array.from(data.subarray(0, 192))).not.toEqual(Array.from(data.subarray(192)));
    expect(data.every((x) => x >= 0 && x <= 1)).toBe(true);
  });
});

import { describe, expect, it } from "vitest";
import { typed } from "../src/child-command.js";
import { parseJson, parseJsonLines, parseMetrics } from "../src/results.js";

describe("parseJsonLines", () => {
  it("gives one object a line", () => {
    expect(parseJsonLines<{ a: number }>('{"a":1}\n{"a":2}\n', "infer", ["a"])).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it("names the command that printed something else", () => {
    expect(() => parseJsonLines("hello\n", "infer --json", [])).toThrow(/^infer --json printed .*: hello/);
    expect(() => parseJson<{ a: number; b: number }>('{"a":1}', "export", ["a", "b"])).toThrow(/^export printed/);
    expect(() => parseJson("", "export", [])).toThrow(/nothing$/);
  });
});

describe("parseMetrics", () => {
  it("reads numbers by column, empty ones as NaN", () => {
    expect(parseMetrics("epoch,loss,mAP\n1,12.5,\n2,9.25,40.5\n")).toEqual([
      { epoch: 1, loss: 12.5, mAP: Number.NaN },
      { epoch: 2, loss: 9.25, mAP: 40.5 },
    ]);
  });
});

describe("typed", () => {
  it("quotes what a shell would change", () => {
    expect(typed({ app: "infer", args: ["a b.jpg", "000[0-3]*", "it's", "--top", "3", "run/best.safetensors"] })).toBe(
      `npx pnpm@10 infer 'a b.jpg' '000[0-3]*' 'it'\\''s' --top 3 run/best.safetensors`,
    );
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import {
  type ArgumentParser,
  BACKEND_NAMES,
  backendOption,
  existingFile,
  existingFolder,
  fraction,
  imageSize,
  milliseconds,
  nonNegativeNumber,
  oneOf,
  openBackend,
  positiveInteger,
  positiveNumber,
  stageBlocks,
  threadCount,
  wholeNumber,
} from "../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "asl-arguments-"));
const file = join(folder, "file.txt");
writeFileSync(file, "");
afterAll(() => rmSync(folder, { recursive: true }));

describe("argument parsers", () => {
  it("take the numbers they are for", () => {
    fc.assert(fc.property(fc.integer({ min: 1 }), (n) => void expect(positiveInteger(String(n))).toBe(n)));
    fc.assert(fc.property(fc.integer({ min: 0 }), (n) => void expect(wholeNumber(String(n))).toBe(n)));
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (x) => void expect(fraction(String(x))).toBe(x + 0)),
    );
    fc.assert(fc.property(fc.integer({ min: 5, max: 1000 }), (n) => void expect(imageSize(String(4 * n))).toBe(4 * n)));
    expect(positiveNumber("1e-4")).toBe(1e-4);
    expect(nonNegativeNumber("0")).toBe(0);
    expect([milliseconds("0"), milliseconds("2.5")]).toEqual([0, 2.5]);
    expect([threadCount("1"), threadCount("256")]).toEqual([1, 256]);
    expect(stageBlocks("2,2,2,1")).toEqual([2, 2, 2, 1]);
    expect(stageBlocks("3, 4, 11, 3")).toEqual([3, 4, 11, 3]);
    expect(oneOf(["a", "b"])("b")).toBe("b");
    expect(existingFile(file)).toBe(file);
    expect(existingFolder(folder)).toBe(folder);
  });

  const cases: readonly [string, ArgumentParser<unknown>, string, string][] = [
    ["positiveInteger", positiveInteger, "0", 'Expected a whole number from 1 on; got "0".'],
    ["positiveInteger", positiveInteger, "1.5", 'Expected a whole number from 1 on; got "1.5".'],
    ["positiveInteger", positiveInteger, "", 'Expected a whole number from 1 on; got "".'],
    ["positiveInteger", positiveInteger, "12px", 'got "12px"'],
    ["milliseconds", milliseconds, "1e12", 'Expected milliseconds from 0 to 60000; got "1e12".'],
    ["threadCount", threadCount, "0", 'Expected a number of threads from 1 to 256; got "0".'],
    ["threadCount", threadCount, "1000000", "from 1 to 256"],
    ["wholeNumber", wholeNumber, "-1", 'Expected a whole number from 0 on; got "-1".'],
    ["positiveNumber", positiveNumber, "NaN", 'Expected a number above 0; got "NaN".'],
    ["nonNegativeNumber", nonNegativeNumber, "Infinity", 'Expected a number from 0 on; got "Infinity".'],
    ["fraction", fraction, "1.01", 'Expected a number from 0 to 1; got "1.01".'],
    ["stageBlocks", stageBlocks, "2,2,2", 'Expected four whole numbers from 1 on, such as "2,2,2,1"; got "2,2,2".'],
    ["stageBlocks", stageBlocks, "2,2,2,1,1", "four whole numbers"],
    ["stageBlocks", stageBlocks, "2,2,,1", "four whole numbers"],
    ["imageSize", imageSize, "225", "image size must be a multiple of 4"],
    ["imageSize", imageSize, "big", 'Expected a number of pixels; got "big".'],
    ["oneOf", oneOf(["memory", "none"]), "disk", 'Expected one of memory, none; got "disk".'],
    ["existingFile", existingFile, join(folder, "no"), "Expected an existing file; there is nothing at this path; got"],
    ["existingFile", existingFile, folder, "Expected a file; this is a folder; got"],
    [
      "existingFolder",
      existingFolder,
      join(folder, "no"),
      "Expected an existing folder; there is nothing at this path",
    ],
    ["existingFolder", existingFolder, file, "Expected a folder; this is a file"],
  ];
  it.each(cases)("%s refuses %#", (_, parse, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});

describe("openBackend", () => {
  it("lists the names when there is none such", async () => {
    await expect(openBackend("cuda")).rejects.toThrow(
      'unknown backend "cuda"; expected one of onnx, onnx-web, reference, tfjs-cpu, tfjs-wasm, tfjs-node, tfjs-node-gpu',
    );
  });

  it("says of a backend for browsers that it is one", async () => {
    const message = 'backend "onnx-webgpu" runs in browsers only (asl-onnx/webgpu); here is one of onnx, onnx-web';
    await expect(openBackend("onnx-webgpu")).rejects.toThrow(message);
    expect(() => backendOption().parseArg?.("onnx-webgpu", "onnx")).toThrow(`The ${message}`);
  });

  it.each(BACKEND_NAMES)("opens %s", async (name) => {
    const expected = name === "reference" ? "reference-f32" : name.replace("onnx-web", "onnx");
    expect((await openBackend(name)).name).toBe(expected);
  });
});

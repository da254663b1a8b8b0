import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { halfToFloat, writeSafetensors } from "asl-checkpoint";
import { createRandom, f32 } from "asl-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  evaluateScoreFile,
  type OpenScoreFileOptions,
  openScoreFile,
  type Predictions,
  RESERVED_MEMORY,
  savePredictions,
  validationReport,
} from "../src/index.js";

const [ROWS, CLASSES] = [700, 21]; // no multiple of 8, more rows than a tile of the widest read
const classNames = Array.from({ length: CLASSES }, (_, index) => `class ${index}`);
let folder: string;
const at = (name: string) => join(folder, name);

/** Half floats, so that f16 and f32 files hold the same numbers; many ties; class 4 without positives. */
const random = createRandom(1, "score file");
const half = Uint16Array.from({ length: ROWS * CLASSES }, () => 0x2c00 + 64 * random.integer(64));
const scores = Float32Array.from(half, halfToFloat);
const targets = Int8Array.from({ length: ROWS * CLASSES }, (_, i) =>
  i % CLASSES === 4 ? 0 : random.chance(0.1) ? 1 : random.chance(0.2) ? -1 : 0,
);
const binary = targets.map((target) => Math.max(target, 0));
const predictions = (of: Int8Array): Predictions => ({
  classNames,
  pictures: Array.from({ length: ROWS }, (_, row) => `row ${row}`),
  scores,
  targets: Float32Array.from(of),
});

function npy(descr: string, shape: readonly number[], data: Uint8Array, fortran = false): Buffer {
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': (${shape.join(", ")}), }`;
  const header = Buffer.from(`${text.padEnd(117)}\n`);
  return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), Buffer.from([header.length, 0]), header, data]);
}
const bytesOf = (array: Float32Array | Uint16Array | Int8Array) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const transposed = <A extends Float32Array | Int8Array>(matrix: A): A => {
  const turned = matrix.slice() as A;
  for (let row = 0; row < ROWS; row++)
    for (let c = 0; c < CLASSES; c++) turned[c * ROWS + row] = matrix[row * CLASSES + c]!;
  return turned;
};
/** numpy.packbits(matrix, axis=1) */
const packed = (matrix: Int8Array) => {
  const width = Math.ceil(CLASSES / 8);
  const bytes = new Uint8Array(ROWS * width);
  matrix.forEach((value, i) => {
    const [row, c] = [Math.floor(i / CLASSES), i % CLASSES];
    if (value === 1) bytes[row * width + (c >> 3)]! |= 0x80 >> (c & 7);
  });
  return bytes;
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "asl-score-file-"));
  writeFileSync(at("f32.npy"), npy("<f4", [ROWS, CLASSES], bytesOf(scores)));
  writeFileSync(at("f16.npy"), npy("<f2", [ROWS, CLASSES], bytesOf(half)));
  writeFileSync(at("fortran.npy"), npy("<f4", [ROWS, CLASSES], bytesOf(transposed(scores)), true));
  writeFileSync(at("raw.f16"), bytesOf(half));
  writeFileSync(at("targets.npy"), npy("|i1", [ROWS, CLASSES], bytesOf(targets)));
  writeFileSync(at("bits.npy"), npy("|u1", [ROWS, Math.ceil(CLASSES / 8)], packed(binary)));
  writeFileSync(at("annotated.npy"), npy("|u1", [ROWS, 3], packed(targets.map((target) => Number(target >= 0)))));
  const listed = [...targets.entries()].filter(([, target]) => target >= 0);
  const line = (i: number) => [Math.floor(i / CLASSES), i % CLASSES] as const;
  writeFileSync(
    at("open-images.csv"),
    [
      "ImageID,Source,LabelName,Confidence",
      ...listed.map(([i, target]) => {
        const [row, c] = line(i);
        return `picture-${row},verification,class ${c},${target}`;
      }),
    ].join("\n"),
  );
  writeFileSync(
    at("positives.csv"),
    ["row,class", ...listed.filter(([, target]) => target === 1).map(([i]) => line(i).join(","))].join("\n"),
  );
  await savePredictions(at("saved.safetensors"), predictions(targets));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The memory for so many classes at a time. */
const memoryFor = (classes: number, bytesPerScore: number) =>
  RESERVED_MEMORY + ROWS * 22 + classes * ROWS * (bytesPerScore + 2);

async function evaluate(file: string, memory: number, options: Partial<OpenScoreFileOptions> = {}) {
  using opened = await openScoreFile(at(file), { nameClasses: () => classNames, ...options });
  const done: number[] = [];
  const report = await evaluateScoreFile({ ...opened, threshold: 0.5, memory, onProgress: (n) => done.push(n) });
  expect(done).toEqual([...done].sort((a, b) => a - b));
  expect(done.at(-1)).toBe(CLASSES);
  return report;
}

describe("scores read in blocks give the numbers of the metrics in memory, bit for bit", () => {
  const expected = () => validationReport(predictions(targets), 0.5);

  it.each([
    ["f32, 1 class at a time", "f32.npy", 1, 4],
    ["f32, 8 classes at a time", "f32.npy", 8, 4],
    ["f32, all at once", "f32.npy", 100, 4],
    ["f16, 5 classes at a time", "f16.npy", 5, 2],
    ["column by column", "fortran.npy", 4, 4],
  ])("%s", async (_, file, classes, bytes) => {
    expect(await evaluate(file, memoryFor(classes, bytes), { targets: at("targets.npy") })).toEqual(expected());
  });

  it("a file of bare numbers", async () => {
    const raw = { rows: ROWS, columns: CLASSES, elementType: "F16" } as const;
    expect(await evaluate("raw.f16", memoryFor(9, 2), { raw, targets: at("targets.npy") })).toEqual(expected());
  });

  it("saved predictions, with their class names", async () => {
    expect(await evaluate("saved.safetensors", memoryFor(2, 8))).toEqual(expected());
  });

  it("targets in a CSV of Open Images: what it does not list is not annotated", async () => {
    const pictures = Array.from({ length: ROWS }, (_, row) => `picture-${row}`);
    const options = { targets: at("open-images.csv"), pictures };
    expect(await evaluate("f16.npy", memoryFor(5, 2), options)).toEqual(expected());
  });

  it("a CSV of positives: what it does not list is negative", async () => {
    const report = await evaluate("f16.npy", memoryFor(5, 2), { targets: at("positives.csv") });
    expect(report).toEqual(validationReport(predictions(binary), 0.5));
  });

  it("packed bits, and packed bits with a mask", async () => {
    const bits = { targets: at("bits.npy") };
    expect(await evaluate("f32.npy", memoryFor(10, 4), bits)).toEqual(validationReport(predictions(binary), 0.5));
    const masked = { ...bits, annotated: at("annotated.npy") };
    expect(await evaluate("f32.npy", memoryFor(10, 4), masked)).toEqual(expected());
  });
});

describe("score files that cannot be", () => {
  const refuse = (file: string, options: Partial<OpenScoreFileOptions>, message: RegExp, memory = 2 ** 30) =>
    expect(evaluate(file, memory, options)).rejects.toThrow(message);

  it("too little memory, targets that are missing or of another shape", async () => {
    const targetsFile = { targets: at("targets.npy") };
    await refuse("f32.npy", targetsFile, /700 rows need a memory of at least \d+ MiB; got 100 MiB/, 100 * 2 ** 20);
    await refuse("f32.npy", {}, /holds scores but no targets; name their file with --targets/);
    writeFileSync(at("few.npy"), npy("|i1", [ROWS, 20], bytesOf(targets.slice(0, ROWS * 20))));
    await refuse(
      "f32.npy",
      { targets: at("few.npy") },
      /targets should be \[700,21\], or \[700,3\] bytes of packed bits; found I8 \[700,20\]/,
    );
  });

  it("truncated files and wrong raw shapes", async () => {
    writeFileSync(at("cut.npy"), npy("<f4", [ROWS, CLASSES], bytesOf(scores).subarray(0, 5000)));
    await refuse("cut.npy", {}, /needs 58800 bytes, not 5000: it is truncated or damaged/);
    const raw = { rows: ROWS, columns: CLASSES, elementType: "F32" } as const;
    await refuse("raw.f16", { raw }, /\[700,21\] of F32 is 58800 bytes; the file has 29400/);
  });

  it("scores that are no probabilities, by row and class", async () => {
    const place = 30 * CLASSES + 2;
    const options = { targets: at("targets.npy") };
    for (const [value, message] of [
      [Number.NaN, /scores.*NaN.*30.*2/],
      [-3, /must be probabilities from 0 to 1; found -3 at row 30, class 2\. If these are logits, take their sigmoid/],
    ] as const) {
      const spoilt = scores.slice();
      spoilt[place] = value;
      await writeSafetensors(at("spoilt.safetensors"), { tensors: { scores: f32([ROWS, CLASSES], spoilt) } });
      await refuse("spoilt.safetensors", options, message);
    }
  });

  it("lines of a CSV that name nothing known", async () => {
    const csv = (text: string) => {
      writeFileSync(at("bad.csv"), text);
      return { targets: at("bad.csv") };
    };
    await refuse("f32.npy", csv("row,class\n1,2\n700,2\n"), /line 3: "700" is not a row from 0 to 699/);
    await refuse("f32.npy", csv("row,class\n1,dog\n"), /line 2: no class is called "dog"/);
    await refuse("f32.npy", csv("row,class,target\n1,2,3\n"), /line 2: target should be 1 or 0; found "3"/);
    await refuse("f32.npy", csv("a,b\n1,2\n"), /expected a first line with one of the columns row, ImageID/);
  });
});

import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { readNpz } from "../src/index.js";
import { failure, fixture, PUBLISHED_SCORES } from "./support.js";

const expected: { arrays: Record<string, { shape: number[]; values: string[] }> } = JSON.parse(
  await readFile(fixture("expected.json"), "utf8"),
);

/** NumPy prints True, and 2.0 for the number 2. */
const asNumber = (text: string): number | bigint => {
  if (text === "True" || text === "False") return text === "True" ? 1 : 0;
  return /^-?\d{16,}$/.test(text) ? BigInt(text) : Number(text);
};

describe.each(["arrays.npz", "arrays_compressed.npz"])("%s", (name) => {
  test("every number type, order and byte order gives what NumPy sees", async () => {
    const arrays = await readNpz(fixture(name));
    expect(Object.keys(arrays)).toEqual(Object.keys(expected.arrays));
    for (const [key, { shape, values }] of Object.entries(expected.arrays)) {
      const array = arrays[key]!;
      expect([key, array.shape, Array.from<number | bigint>(array.data)]).toEqual([key, shape, values.map(asNumber)]);
    }
    expect(arrays.f4).toMatchObject({ dtype: "f4", data: expect.any(Float32Array) });
    expect(arrays.big_endian).toMatchObject({ dtype: "f8", data: expect.any(Float64Array) });
  });
});

describe("what is no array of numbers", () => {
  test("is refused by name, and the others can still be read", async () => {
    const all = await failure(readNpz(fixture("objects.npz"), ["bad"]));
    expect(all.message).toContain('array "bad" is an array of Python objects, which is a pickle and is not read');
    const text = await failure(readNpz(fixture("objects.npz"), ["text"]));
    expect(text.message).toContain('array "text" is an array of text (U1); only numbers are read');
    expect(Array.from<number | bigint>((await readNpz(fixture("objects.npz"), ["good"])).good!.data)).toEqual([1, 1]);
  });

  test("a missing array, a file that is no .npz", async () => {
    const missing = await failure(readNpz(fixture("objects.npz"), ["scores"]));
    expect(missing.message).toContain('no array "scores"; it has good, bad, text');
    const other = await failure(readNpz(fixture("data_parallel.pth")));
    expect(other.message).toContain("holds no .npy arrays, so it is no .npz");
    const text = await failure(readNpz(fixture("expected.json")));
    expect(text.message).toContain("damaged or truncated zip archive");
  });
});

describe("published scores", () => {
  test("4952 pictures by 80 classes, sigmoid scores and labels", async () => {
    const { sgmd, labels } = await readNpz(PUBLISHED_SCORES, ["sgmd", "labels"]);
    expect([sgmd!.shape, labels!.shape]).toEqual([
      [4952, 80],
      [4952, 80],
    ]);
    expect(sgmd!.data.every((score) => Number(score) >= 0 && Number(score) <= 1)).toBe(true);
    expect(new Set(Array.from<number | bigint>(labels!.data))).toEqual(new Set([0, 1]));
  });
});

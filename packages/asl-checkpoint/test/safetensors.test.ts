import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { f32, InputError, i32, type TensorData, type Tensors } from "asl-core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CheckpointError, openSafetensors, readSafetensors, writeSafetensors } from "../src/index.js";
import { bitsOf, failure, filesIn, fixture, headerEntry, temporaryFolder, values } from "./support.js";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

/** Any bits at all, NaN payloads included. */
const tensor: fc.Arbitrary<TensorData> = fc
  .tuple(
    fc.array(fc.nat({ max: 4 }), { maxLength: 4 }),
    fc.constantFrom<"F64" | "F32" | "I32" | "BOOL">("F64", "F32", "I32", "BOOL"),
  )
  .chain(([shape, kind]) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const made = (dtype: "f32" | "i32" | "bool", data: TensorData["data"]): TensorData => ({
      type: { dtype, shape },
      data,
    });
    switch (kind) {
      case "F64":
        return bytes(8 * size).map((raw) => made("f32", new Float64Array(raw.slice().buffer)));
      case "F32":
        return bytes(4 * size).map((raw) => made("f32", new Float32Array(raw.slice().buffer)));
      case "I32":
        return bytes(4 * size).map((raw) => made("i32", new Int32Array(raw.slice().buffer)));
      case "BOOL":
        return bytes(size).map((raw) =>
          made(
            "bool",
            raw.map((byte) => byte & 1),
          ),
        );
    }
  });

const name = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("__proto__", "constructor", "0", "a.b"));
const tensors: fc.Arbitrary<Tensors> = fc
  .uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 6 })
  .map((entries) => Object.fromEntries(entries.filter(([key]) => key !== "__metadata__")));
const metadata = fc
  .array(fc.tuple(name, fc.string({ unit: "grapheme" })), { maxLength: 3 })
  .map((entries): Record<string, string> => Object.fromEntries(entries.filter(([key]) => key !== "asl.sha256")));

describe("what is written is what is read", () => {
  test("names, types, bits and metadata, with and without a digest", async () => {
    const file = path.join(await temporaryFolder(), "a.safetensors");
    await fc.assert(
      fc.asyncProperty(tensors, metadata, fc.boolean(), async (written, about, digest) => {
        await writeSafetensors(file, { tensors: written }, { metadata: about, digest });
        const read = await readSafetensors(file);
        expect(new Set(Object.keys(read.tensors))).toEqual(new Set(Object.keys(written)));
        for (const [key, { type, data }] of Object.entries(written)) {
          const found = read.tensors[key]!;
          expect(found.type).toEqual(type);
          expect(found.data.constructor).toBe(data.constructor);
          expect(bitsOf(found).equals(bitsOf({ type, data }))).toBe(true);
        }
        expect(read.metadata).toEqual(
          digest ? { ...about, "asl.sha256": expect.stringMatching(/^[0-9a-f]{64}$/) } : about,
        );
      }),
      { numRuns: 150 },
    );
  });

  test("one tensor at a time is read without the others", async () => {
    const file = path.join(await temporaryFolder(), "a.safetensors");
    await writeSafetensors(file, { tensors: { a: f32([2], [1, 2]), b: i32([1], [3]) } });
    await using opened = await openSafetensors(file);
    expect([...opened.entries].map(([key, { elementType, shape }]) => [key, elementType, shape])).toEqual([
      ["a", "F32", [2]],
      ["b", "I32", [1]],
    ]);
    expect(values(await opened.read("b"))).toEqual([3]);
    expect((await failure(opened.read("c"))).message).toContain('no tensor "c"; it has 2: a, b');
  });

  test("every tensor starts at a multiple of its element size", async () => {
    const file = path.join(await temporaryFolder(), "a.safetensors");
    const odd: TensorData = { type: { dtype: "bool", shape: [3] }, data: Uint8Array.of(1, 0, 1) };
    const double: TensorData = { type: { dtype: "f32", shape: [1] }, data: Float64Array.of(1) };
    await writeSafetensors(file, { tensors: { odd, single: f32([1], [1]), double } });
    await using opened = await openSafetensors(file);
    for (const [key, width] of [
      ["double", 8],
      ["single", 4],
    ] as const) {
      expect(opened.entries.get(key)!.start % width).toBe(0);
    }
  });
});

/** A file of the given header text and data. */
async function fileOf(json: string, data: Uint8Array = new Uint8Array(0), length = Buffer.byteLength(json)) {
  const file = path.join(await temporaryFolder(), "a.safetensors");
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(length));
  await writeFile(file, Buffer.concat([size, Buffer.from(json), data]));
  return file;
}

describe("other programs' files", () => {
  test("the reference library's file gives the numbers that PyTorch sees", async () => {
    const expected: { tensors: Record<string, { shape: number[]; values: (number | "inf")[] }> } = JSON.parse(
      await readFile(fixture("expected.json"), "utf8"),
    );
    const { tensors, metadata } = await readSafetensors(fixture("library.safetensors"));
    expect(metadata).toEqual({ note: 'quotes " and ✓' });
    expect(values(tensors["Zürich ✓"])).toEqual([1]);
    for (const [key, { shape, values: numbers }] of Object.entries(expected.tensors)) {
      const wanted = numbers.map((value) => (value === "inf" ? Number.POSITIVE_INFINITY : value));
      expect([key, tensors[key]?.type.shape, values(tensors[key])]).toEqual([key, shape, wanted]);
    }
  });

  test("every element type becomes a host type without loss", async () => {
    const cases: readonly (readonly [string, number[], string, number[]])[] = [
      ["F16", [0x00, 0x3c, 0x01, 0x00], "f32", [1, 2 ** -24]],
      ["BF16", [0x80, 0x3f, 0x49, 0xc0], "f32", [1, -3.140625]],
      ["I64", [255, 255, 255, 255, 255, 255, 255, 255], "i32", [-1]],
      ["U64", [7, 0, 0, 0, 0, 0, 0, 0], "i32", [7]],
      ["U32", [255, 255, 255, 127], "i32", [2147483647]],
      ["I16", [0, 128], "i32", [-32768]],
      ["U16", [255, 255], "i32", [65535]],
      ["I8", [128], "i32", [-128]],
      ["U8", [255], "i32", [255]],
      ["BOOL", [0, 1, 2], "bool", [0, 1, 1]],
    ];
    for (const [dtype, raw, hostType, expected] of cases) {
      const file = await fileOf(
        `{"a":${headerEntry(dtype, [expected.length], [0, raw.length])}}`,
        Uint8Array.from(raw),
      );
      const { a } = (await readSafetensors(file)).tensors;
      expect([dtype, a?.type.dtype, values(a)]).toEqual([dtype, hostType, expected]);
    }
  });

  test("integers that do not fit in 32 bits are an error that names tensor and element", async () => {
    const file = await fileOf(`{"a":${headerEntry("U32", [2], [0, 8])}}`, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 128));
    expect((await failure(readSafetensors(file))).message).toContain(
      'tensor "a": element 1 is 2147483648, outside the 32-bit integers that are supported',
    );
  });

  const faults: readonly (readonly [string, string, number, string])[] = [
    ["no JSON", "{", 0, "no valid JSON"],
    ["not an object", "[]", 0, "the JSON is no object"],
    [
      "an unknown dtype",
      `{"a":${headerEntry("F4", [2], [0, 1])}}`,
      1,
      'tensor "a" has dtype "F4"; supported are F64, F32',
    ],
    ["a negative extent", `{"a":${headerEntry("F32", [-1], [0, 4])}}`, 4, 'tensor "a" has shape [-1]'],
    ["a fractional extent", `{"a":${headerEntry("F32", [0.5], [0, 2])}}`, 2, 'tensor "a" has shape [0.5]'],
    ["an extent that overflows", `{"a":${headerEntry("F32", [2 ** 50, 2 ** 50], [0, 4])}}`, 4, "needs 5.07"],
    [
      "offsets that are no pair",
      `{"a":${headerEntry("F32", [1], [0])}}`,
      4,
      "data_offsets [0]; [begin, end] is needed",
    ],
    [
      "offsets that do not fit the shape",
      `{"a":${headerEntry("F32", [2], [0, 4])}}`,
      4,
      "needs 8 bytes, but data_offsets give 4",
    ],
    ["data beyond the end", `{"a":${headerEntry("F32", [2], [0, 8])}}`, 4, "but the file has"],
    [
      "data behind the last tensor",
      `{"a":${headerEntry("F32", [1], [0, 4])}}`,
      6,
      "the last 2 bytes of the file belong to no tensor",
    ],
    [
      "a hole",
      `{"a":${headerEntry("U8", [1], [0, 1])},"b":${headerEntry("U8", [1], [2, 3])}}`,
      3,
      '1 bytes before tensor "b" belong to no tensor',
    ],
    [
      "an overlap",
      `{"a":${headerEntry("U8", [2], [0, 2])},"b":${headerEntry("U8", [2], [1, 3])}}`,
      3,
      'tensors "a" and "b" overlap',
    ],
    ["metadata that are no strings", '{"__metadata__":{"a":1}}', 0, '__metadata__ "a" is no string'],
    [
      "too many dimensions",
      `{"a":${headerEntry("U8", new Array(65).fill(1), [0, 1])}}`,
      1,
      'tensor "a" has shape [1,1',
    ],
  ];
  test.each(faults)("%s", async (_, json, length, message) => {
    const file = await fileOf(json, new Uint8Array(length));
    const error = await failure(readSafetensors(file));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toContain(`${file}: safetensors header: `);
    expect(error.message).toContain(message);
  });

  test("a header length beyond the file or beyond all measure is refused before it is read", async () => {
    expect((await failure(readSafetensors(await fileOf("{}", undefined, 100)))).message).toContain(
      "truncated: it needs 100",
    );
    expect((await failure(readSafetensors(await fileOf("{}", undefined, 2 ** 52)))).message).toContain(
      "at most 100000000",
    );
    const short = path.join(await temporaryFolder(), "short");
    await writeFile(short, "abc");
    expect((await failure(readSafetensors(short))).message).toContain(
      "the file has 3 bytes; a header needs at least 8",
    );
  });
});

describe("a write that fails leaves nothing behind", () => {
  const layout = [{ name: "a", elementType: "F32" as const, shape: [2] }];

  test.each([
    ["fewer tensors than announced", [], "the layout has 1 tensors, but only 0 came"],
    ["more tensors than announced", [f32([2], [1, 2]), f32([2], [1, 2])], "more tensors came than the layout has"],
    ["another shape", [f32([1, 2], [1, 2])], 'tensor "a" should be F32 [2]; got f32[1,2]'],
    ["another type", [i32([2], [1, 2])], 'tensor "a" should be F32 [2]; got i32[2] with 2 elements of Int32Array'],
  ])("%s", async (_, data, message) => {
    const folder = await temporaryFolder();
    const file = path.join(folder, "a.safetensors");
    await writeFile(file, "older content");
    const error = await failure(writeSafetensors(file, { layout, data }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toContain(message);
    expect(await filesIn(folder)).toEqual(["a.safetensors"]);
    expect(await readFile(file, "utf8")).toBe("older content");
  });

  test("a source that fails midway", async () => {
    const folder = await temporaryFolder();
    // biome-ignore lint/correctness/useYield: it fails before its first tensor
    async function* data(): AsyncGenerator<TensorData> {
      throw new Error("the device was lost");
    }
    const error = await failure(writeSafetensors(path.join(folder, "a.safetensors"), { layout, data: data() }));
    expect(error.message).toContain("the device was lost");
    expect(await filesIn(folder)).toEqual([]);
  });

  test("names that a header cannot have", async () => {
    const file = path.join(await temporaryFolder(), "a.safetensors");
    const reserved = await failure(writeSafetensors(file, { tensors: { __metadata__: f32([1], [1]) } }));
    expect(reserved.message).toContain('no tensor may be called "__metadata__"');
    const digest = await failure(writeSafetensors(file, { tensors: {} }, { metadata: { "asl.sha256": "0" } }));
    expect(digest.message).toContain('metadata may not hold "asl.sha256"');
    const twice = await failure(writeSafetensors(file, { layout: [...layout, ...layout], data: [] }));
    expect(twice.message).toContain('two tensors are called "a"');
  });
});

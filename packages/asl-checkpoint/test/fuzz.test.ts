import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { AslError } from "asl-core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCheckpoint, readNpz, readPth, readSafetensors, writeSafetensors } from "../src/index.js";
import { PickleFormatError, PickleRefusal } from "../src/pickle/format-error.js";
import { unpickle } from "../src/pickle/unpickler.js";
import { fixture, temporaryFolder, tinyTresnet } from "./support.js";

/** Whatever the file holds: a result, or an error that says which file and why. Never anything else. */
async function settles(read: Promise<unknown>, file: string): Promise<void> {
  try {
    await read;
  } catch (error) {
    if (!(error instanceof AslError)) throw error;
    expect(error.message).toContain(file);
  }
}

/** Damage as it happens: cut off, bits flipped, a piece overwritten. */
const damage = fc.array(
  fc.record({
    kind: fc.constantFrom("truncate", "flip", "overwrite", "delete"),
    where: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  }),
  { minLength: 1, maxLength: 4 },
);

function damaged(source: Buffer, steps: readonly { kind: string; where: number; bytes: Uint8Array }[]): Buffer {
  let bytes = Buffer.from(source);
  for (const { kind, where, bytes: patch } of steps) {
    const position = Math.floor(where * bytes.length);
    if (kind === "truncate") bytes = bytes.subarray(0, position);
    else if (kind === "delete")
      bytes = Buffer.concat([bytes.subarray(0, position), bytes.subarray(position + patch.length)]);
    else if (kind === "flip" && bytes.length > 0) bytes[position]! ^= 1 << (patch[0]! % 8);
    else bytes.set(patch.subarray(0, Math.max(0, bytes.length - position)), position);
  }
  return bytes;
}

const FILES = [
  "containers_protocol2.pth",
  "containers_protocol5.pth",
  "containers_legacy_protocol2.pth",
  "containers_legacy_protocol4.pth",
  "deflated.pth",
  "refused_command_protocol0.pkl",
  "arrays.npz",
  "arrays_compressed.npz",
];

describe("damaged files give a result or a typed error that names them", () => {
  test.each(FILES)("%s", async (name) => {
    const source = await readFile(fixture(name));
    const file = path.join(await temporaryFolder(), "damaged");
    await fc.assert(
      fc.asyncProperty(damage, async (steps) => {
        await writeFile(file, damaged(source, steps));
        await settles(readCheckpoint(file), file);
        await settles(readPth(file), file);
        await settles(readNpz(file), file);
      }),
      { numRuns: 150 },
    );
  });

  test("safetensors", async () => {
    const file = path.join(await temporaryFolder(), "damaged");
    await writeSafetensors(file, { tensors: tinyTresnet() }, { metadata: { a: "b" }, digest: true });
    const source = await readFile(file);
    await fc.assert(
      fc.asyncProperty(damage, async (steps) => {
        await writeFile(file, damaged(source, steps));
        await settles(readSafetensors(file), file);
        await settles(readCheckpoint(file), file);
      }),
      { numRuns: 300 },
    );
  });
});

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("the unpickler", () => {
  /** A pickle of random instructions, most of them well-formed. */
  const instruction = fc.oneof(
    fc.constantFrom(..."(0112NdeltaubR}])s.".split("").map((character) => Buffer.from(character))),
    fc
      .constantFrom(0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8f, 0x90, 0x91, 0x93, 0x94)
      .map((opcode) => Buffer.of(opcode)),
    fc.uint8Array({ minLength: 1, maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
    fc.nat({ max: 255 }).map((value) => Buffer.of(0x4b, value)),
    fc.nat({ max: 3 }).map((index) => Buffer.of(0x71, index)),
    fc.nat({ max: 3 }).map((index) => Buffer.of(0x68, index)),
    fc
      .constantFrom(
        "collections\nOrderedDict",
        "torch._utils\n_rebuild_tensor_v2",
        "torch\nFloatStorage",
        "torch\nSize",
        "__builtin__\nset",
        "_codecs\nencode",
        "argparse\nNamespace",
        "posix\nsystem",
      )
      .map((name) => Buffer.from(`c${name}\n`)),
    fc
      .constantFrom("storage", "0", "cpu", "latin1")
      .map((text) => Buffer.concat([Buffer.of(0x8c, text.length), Buffer.from(text)])),
  );

  test("any instructions end in a value, a refusal or a format error", () => {
    fc.assert(
      fc.property(fc.array(instruction, { maxLength: 60 }), (parts) => {
        try {
          unpickle(Buffer.concat([Buffer.of(0x80, 2), ...parts, Buffer.from(".")]));
        } catch (error) {
          if (!(error instanceof PickleFormatError) && !(error instanceof PickleRefusal)) throw error;
        }
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ["a string of 4 GiB", hex("80 02 58 ffffffff 61")],
    ["bytes of 2^63", hex("80 04 8e ffffffffffffff7f 61")],
    ["an integer of 2 GiB", hex("80 02 8b ffffff7f 61")],
    ["a negative length", hex("80 02 8b ffffffff 61")],
    ["an unknown opcode", hex("80 02 ff 2e")],
    ["protocol 6", hex("80 06 2e")],
    ["nothing on the stack", hex("80 02 2e")],
    ["a mark instead of a value", hex("80 02 28 2e")],
  ])("%s is a format error at once", (_, bytes) => {
    expect(() => unpickle(bytes)).toThrow(PickleFormatError);
  });

  test("a small pickle that copies a large container again and again is stopped", () => {
    const items = Buffer.concat(Array.from({ length: 60_000 }, () => Buffer.from("N")));
    const list = Buffer.concat([hex("80 02 5d 7100 28"), items, hex("65")]);
    const copy = Buffer.concat([Buffer.from("ctorch\nSize\n"), Buffer.from([0x68, 0, 0x85, 0x52])]);
    const bomb = Buffer.concat([list, ...Array.from({ length: 2000 }, () => copy), Buffer.from(".")]);
    expect(() => unpickle(bomb)).toThrow("more data than its size allows");
  });

  test("containers that contain themselves and deep nests are read", () => {
    const cyclic = unpickle(hex("80 02 5d 7100 6800 61 2e")).value;
    expect(Array.isArray(cyclic) && cyclic[0] === cyclic).toBe(true);
    const depth = 200_000;
    const deep = Buffer.concat([Buffer.alloc(depth, "]"), Buffer.alloc(depth - 1, "a"), Buffer.from(".")]);
    expect(Array.isArray(unpickle(deep).value)).toBe(true);
  });
});

describe("a small file cannot fill the memory", () => {
  test("an expanded tensor far larger than its file", async () => {
    // storage of one number, shape [2^40] with stride 0, in the legacy format
    const utf8 = (text: string): Buffer => Buffer.concat([Buffer.of(0x8c, text.length), Buffer.from(text)]);
    const long = (value: bigint): Buffer => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(value);
      return Buffer.concat([Buffer.of(0x8a, 8), bytes]);
    };
    const legacy = await readFile(fixture("containers_legacy_protocol2.pth"));
    const header = legacy.subarray(0, legacy.indexOf("X\u0005\u0000\u0000\u0000model") - 4);
    const tensor = Buffer.concat([
      Buffer.from("ctorch._utils\n_rebuild_tensor_v2\n(("),
      ...[utf8("storage"), Buffer.from("ctorch\nFloatStorage\n"), utf8("k"), utf8("cpu"), Buffer.from("K\u0001tQ")],
      Buffer.from("K\u0000"),
      long(2n ** 40n),
      Buffer.from([0x85]),
      Buffer.from("K\u0000"),
      Buffer.from([0x85, 0x89, 0x4e, 0x74, 0x52]),
    ]);
    const object = Buffer.concat([hex("80 02"), Buffer.from("}"), utf8("a"), tensor, Buffer.from("s.")]);
    const keys = Buffer.concat([hex("80 02"), Buffer.from("]"), utf8("k"), Buffer.from("a.")]);
    const count = Buffer.alloc(12);
    count.writeBigInt64LE(1n);
    const file = path.join(await temporaryFolder(), "bomb.pth");
    await writeFile(file, Buffer.concat([header, object, keys, count]));
    await expect(readPth(file)).rejects.toThrow("more than a file of");
  });
});

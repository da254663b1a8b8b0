import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type PickleValue, type PthCheckpoint, RefusedPickleError, readCheckpoint, readPth } from "../src/index.js";
import { failure, fixture, temporaryFolder, values } from "./support.js";

interface Expected {
  readonly tensors: Readonly<Record<string, { shape: number[]; values: (number | "inf")[] }>>;
}
const expected: Expected = JSON.parse(await readFile(fixture("expected.json"), "utf8"));

const PROTOCOLS = [2, 3, 4, 5];
const SAVED = [
  ...PROTOCOLS.map((protocol) => `containers_protocol${protocol}.pth`),
  ...PROTOCOLS.map((protocol) => `containers_legacy_protocol${protocol}.pth`),
  "torch2_extra_entries.pth",
  "deflated.pth",
];

function entry(checkpoint: PthCheckpoint, ...keys: readonly PickleValue[]): PickleValue | undefined {
  let value: PickleValue | undefined = checkpoint.value;
  for (const key of keys) value = value instanceof Map ? value.get(key) : undefined;
  return value;
}

describe.each(SAVED)("%s", (name) => {
  test("gives every tensor the shape and numbers that PyTorch sees", async () => {
    const { tensors } = await readPth(fixture(name));
    expect(Object.keys(tensors)).toEqual(Object.keys(expected.tensors));
    for (const [key, { shape, values: numbers }] of Object.entries(expected.tensors)) {
      expect([key, tensors[key]?.type.shape]).toEqual([key, shape]);
      const wanted = numbers.map((value) => (value === "inf" ? Number.POSITIVE_INFINITY : value));
      expect([key, values(tensors[key])]).toEqual([key, wanted]);
    }
  });

  test("keeps half, double, integers and truth values in the host's element types", async () => {
    const { tensors } = await readPth(fixture(name));
    const kinds = Object.entries(tensors).map(([key, { type, data }]) => [key, type.dtype, data.constructor.name]);
    expect(Object.fromEntries(kinds.map(([key, ...kind]) => [key, kind.join()]))).toMatchObject({
      float32: "f32,Float32Array",
      float64: "f32,Float64Array",
      float16: "f32,Float32Array",
      bfloat16: "f32,Float32Array",
      int64: "i32,Int32Array",
      int8: "i32,Int32Array",
      uint8: "i32,Int32Array",
      bool: "bool,Uint8Array",
    });
  });

  test("gives tensors that shared a storage arrays of their own", async () => {
    const { tensors } = await readPth(fixture(name));
    const buffers = Object.values(tensors).map(({ data }) => data.buffer);
    expect(new Set(buffers).size).toBe(buffers.length);
  });

  test("finds the state dict, the class names and the plain values beside it", async () => {
    const checkpoint = await readPth(fixture(name));
    expect(checkpoint.stateDict).toBe("model");
    expect(checkpoint.classNames).toEqual(["cat", "dog", "Zürich ✓"]);
    expect(entry(checkpoint, "args")).toEqual(
      new Map<string, PickleValue>([
        ["lr", 1e-4],
        ["blocks", [3, 4, 11, 3]],
        ["resume", null],
        ["size", [224, 224]],
      ]),
    );
    const plain = entry(checkpoint, "plain");
    expect(plain instanceof Map && Object.fromEntries(plain)).toEqual({
      none: null,
      true: true,
      false: false,
      integer: -70000,
      large: 2n ** 53n + 2n,
      huge: -(2n ** 80n),
      float: 0.1,
      text: "täxt",
      bytes: Uint8Array.of(0, 255),
      no_bytes: new Uint8Array(0),
      bytearray: Uint8Array.from(Buffer.from("ab")),
      list: [1, [2, 3]],
      tuple: [1, 2, 3, 4],
      set: new Set([5]),
      frozenset: new Set([6]),
      ordered: new Map([
        ["b", 1],
        ["a", 2],
      ]),
      counter: new Map([
        ["a", 2],
        ["b", 1],
      ]),
      default: new Map([[1, [2]]]),
      size: [2, 3],
      device: expect.stringContaining("cuda"),
      dtype: { kind: "name", name: "torch.float16" },
    });
  });
});

describe("a pickle that asks for more than tensors and plain containers", () => {
  const commands = [
    "refused_command.pth",
    "refused_command_legacy.pth",
    ...[0, 1, 2, 3, 4, 5].map((protocol) => `refused_command_protocol${protocol}.pkl`),
  ];
  test.each(commands)("%s is refused by name, and nothing runs", async (name) => {
    for (const read of [readPth, readCheckpoint]) {
      const error = await failure(read(fixture(name)));
      expect(error).toBeInstanceOf(RefusedPickleError);
      expect(error.message).toContain(`${name}: refused to build "posix.system": only tensors and plain containers`);
    }
  });

  test("a name with control characters does not reach the terminal as such", async () => {
    const file = path.join(await temporaryFolder(), "a.pth");
    await writeFile(file, Buffer.concat([Buffer.of(0x80, 2), Buffer.from("cos\u001b[31m\u202e\nsystem\n.")]));
    const { message } = await failure(readPth(file));
    expect(message).toContain('refused to build "os\\u001b[31m\\u202e.system"');
  });

  test.each([
    ["refused_whole_model.pth", "torch.nn.modules.linear.Linear"],
    ["refused_numpy.pth", "numpy.core.multiarray.scalar"],
    ["refused_complex.pth", "torch.ComplexFloatStorage"],
  ])("%s is refused as %s, with what to do", async (name, refused) => {
    const error = await failure(readPth(fixture(name)));
    expect(error).toMatchObject({ code: "ERR_ASL_CHECKPOINT_REFUSED", refused });
    expect(error.message).toContain("torch.save(model.state_dict(), FILE)");
  });
});

describe("finding the state dict", () => {
  test.each([
    ["data_parallel.pth", "", 'begin with "module."'],
    ["lightning.pth", "state_dict", 'begin with "model."'],
    ["timm_training.pth", "state_dict", 'stands under "state_dict"'],
  ])("%s: under %j, and the notes say how", async (name, place, note) => {
    const { stateDict, tensors, notes } = await readCheckpoint(fixture(name));
    expect(stateDict).toBe(place);
    expect(values(tensors["head.fc.bias"])).toEqual([0, 1, 2]);
    expect(notes.join("; ")).toContain(note);
    expect(Object.keys(tensors)).toHaveLength(6);
  });

  test("the EMA weights of a training checkpoint come on request", async () => {
    const checkpoint = await readCheckpoint(fixture("timm_training.pth"), { weights: "ema" });
    expect(checkpoint.stateDict).toBe("state_dict_ema");
    expect(values(checkpoint.tensors["head.fc.bias"])).toEqual([1, 2, 3]);
    const error = await failure(readCheckpoint(fixture("data_parallel.pth"), { weights: "ema" }));
    expect(error.message).toContain("no EMA weights were found");
  });

  test("two networks side by side need a choice", async () => {
    const error = await failure(readPth(fixture("two_networks.pth")));
    expect(error.message).toContain('no state dict was found; at the top level it holds: "first": dict of 6');
    expect((await readPth(fixture("two_networks.pth"), { stateDict: "second" })).stateDict).toBe("second");
    const wrong = await failure(readPth(fixture("two_networks.pth"), { stateDict: "third" }));
    expect(wrong.message).toContain('"third" is nothing, not a state dict');
  });

  test.each([
    ["no_tensors.pth", 'no state dict was found; at the top level it holds: "epoch": number 3'],
    ["a_list.pth", "holds list of 2 instead of a dictionary of tensors"],
    ["plain_pickle.pkl", "a Python pickle, but not one that torch.save wrote"],
    ["torchscript.pt", "TorchScript program"],
    ["big_endian.pth", "big-endian"],
    ["wide_integer.pth", 'tensor "a": element 0 is 1099511627776'],
    ["arrays.npz", "NumPy .npz archive, not a checkpoint"],
  ])("%s: %s", async (name, message) => {
    const error = await failure(readPth(fixture(name)));
    expect(error.message).toContain(message);
    expect(error).toMatchObject({ file: fixture(name) });
  });
});

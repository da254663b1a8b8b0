import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { f32, InputError, type TensorType } from "asl-core";
import { describe, expect, test } from "vitest";
import {
  CheckpointError,
  type CheckpointMetadata,
  CheckpointMismatchError,
  inspectTresnet,
  matchState,
  openSafetensors,
  readCheckpoint,
  readSafetensors,
  writeCheckpoint,
  writeSafetensors,
} from "../src/index.js";
import { failure, fixture, temporaryFolder, tinyTresnet, values } from "./support.js";

const tensors = tinyTresnet(3);
const metadata: CheckpointMetadata = {
  model: { ...inspectTresnet(tensors), numClasses: 3 },
  classNames: ["cat", "dog", "Zürich ✓"],
  thresholds: 0.75,
  imageSize: 224,
  resizeFilter: "bicubic",
  recipe: { loss: { gammaNeg: 4, gammaPos: 0 }, augmentations: ["cutout"] },
  step: 1200,
  epoch: 3,
  metrics: { mAP: 65.25, CF1: 0.5 },
  weights: "ema",
};

describe("our checkpoints", () => {
  test("come back with everything that was written", async () => {
    const file = path.join(await temporaryFolder(), "best.safetensors");
    await writeCheckpoint(file, { tensors, metadata });
    const read = await readCheckpoint(file);
    expect(read).toMatchObject({ format: "asl", keyScheme: "official", classNames: metadata.classNames, notes: [] });
    expect(read.metadata).toEqual(metadata);
    expect(read.architecture).toEqual(inspectTresnet(tensors));
    expect(read.tensors).toEqual(tensors);
  });

  test("are recognised by their content, whatever they are called", async () => {
    const file = path.join(await temporaryFolder(), "best.pth");
    await writeCheckpoint(file, { tensors, metadata });
    expect((await readCheckpoint(file)).format).toBe("asl");
  });

  test("are plain safetensors for everyone else", async () => {
    const file = path.join(await temporaryFolder(), "best.safetensors");
    await writeCheckpoint(file, { tensors, metadata });
    await using opened = await openSafetensors(file);
    expect(opened.metadata.format).toBe("pt");
    expect([...opened.entries.keys()]).toEqual(Object.keys(tensors));
  });

  test("one that holds other weights than those asked for is refused", async () => {
    const file = path.join(await temporaryFolder(), "best.safetensors");
    await writeCheckpoint(file, { tensors, metadata });
    const error = await failure(readCheckpoint(file, { weights: "regular" }));
    expect(error.message).toContain("holds the ema weights, not the regular ones");
  });

  test("metadata that describe another network than the tensors are refused before writing", async () => {
    const file = path.join(await temporaryFolder(), "best.safetensors");
    const wrong = { ...metadata, model: { ...metadata.model, planes: 64 } };
    const error = await failure(writeCheckpoint(file, { tensors, metadata: wrong }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toContain("metadata.model.planes is 64, but the tensors have 2");
  });

  const faults: readonly (readonly [string, object, string])[] = [
    ["no class names", { classNames: undefined }, "metadata.classNames should be a list of strings; found nothing"],
    ["too few class names", { classNames: ["a"] }, "metadata.classNames should be 3 names, one per class; found 1"],
    ["a threshold above 1", { thresholds: 1.5 }, "metadata.thresholds should be a number from 0 to 1, or 3 of them"],
    ["too few thresholds", { thresholds: [0.5] }, "metadata.thresholds should be a number from 0 to 1, or 3 of them"],
    ["image size 0", { imageSize: 0 }, "metadata.imageSize should be a whole number from 1 on; found 0"],
    [
      "another filter",
      { resizeFilter: "nearest" },
      'metadata.resizeFilter should be "bicubic" or "bilinear"; found "nearest"',
    ],
    ["NaN metrics", { metrics: { mAP: Number.NaN } }, "metadata.metrics should be an object of numbers"],
    [
      "a model without blocks",
      { model: { ...metadata.model, blocks: [1, 1] } },
      "metadata.model.blocks should be a list of four",
    ],
    ["a newer version", { version: 2 }, "checkpoint metadata of version 2; this program reads version 1"],
  ];
  test.each(faults)("%s", async (_, change, message) => {
    const file = path.join(await temporaryFolder(), "best.safetensors");
    const text = JSON.stringify({ version: 1, ...metadata, ...change });
    await writeSafetensors(file, { tensors }, { metadata: { "asl.checkpoint": text } });
    const error = await failure(readCheckpoint(file));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toContain(`${file}: `);
    expect(error.message).toContain(message);
  });

  test("a flipped bit and a truncated file are found", async () => {
    const file = path.join(await temporaryFolder(), "best.safetensors");
    await writeCheckpoint(file, { tensors, metadata });
    const bytes = await readFile(file);
    await writeFile(file, bytes.subarray(0, -1));
    expect((await failure(readCheckpoint(file))).message).toContain("it is truncated or damaged");
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(file, bytes);
    expect((await failure(readCheckpoint(file))).message).toContain("does not match the SHA-256 it carries");
  });
});

describe("files that are no checkpoint", () => {
  const cases: readonly (readonly [string, string | Buffer, string])[] = [
    ["0 bytes", "", "the file is empty (0 bytes); a PyTorch .pth or a safetensors checkpoint is needed"],
    ["text", "Dear reader,\nthis is no checkpoint", 'this is a text file ("Dear reader,")'],
    [
      "JSON with a brace where a safetensors file has one",
      '{"info":{"year":2014}}',
      'this is a text file ("{"info":{"year":2014}}")',
    ],
    ["JSON", '{"a": 1}', 'this is a text file ("{"a": 1}")'],
    ["an ONNX model", Buffer.from([0x08, 0x08, 0x12, 0x07, ...Buffer.from("pytorch")]), "this is an ONNX model"],
    ["a web page", "<!DOCTYPE html><html>", "this is a web page"],
    ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\n", "this is a Git LFS pointer"],
    ["a JPEG", Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]), "this is a JPEG picture"],
    ["gzip", Buffer.from([0x1f, 0x8b, 8, 0]), "this is a gzip archive"],
    ["noise", Buffer.from([0xfe, 0x01, 0x99, 0x00, 0x7f]), "this is no format that is known"],
    ["half a zip", Buffer.from("PK\u0003\u0004rest"), "damaged or truncated zip archive"],
    ["half a pickle", Buffer.from([0x80, 0x02, 0x8a]), "the pickle is damaged or not written by torch.save"],
    [
      "a safetensors file cut in the header",
      Buffer.concat([Buffer.from([99, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('{"a":')]),
      "safetensors header: truncated",
    ],
  ];
  test.each(cases)("%s", async (_, content, message) => {
    const file = path.join(await temporaryFolder(), "checkpoint.pth");
    await writeFile(file, content);
    const error = await failure(readCheckpoint(file));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toContain(`${file}: `);
    expect(error.message).toContain(message);
  });

  test("a missing file and a folder", async () => {
    const folder = await temporaryFolder();
    expect((await failure(readCheckpoint(path.join(folder, "no.pth")))).message).toContain("no.pth: no such file");
    expect((await failure(readCheckpoint(folder))).message).toContain("this is a folder");
  });

  test("a state dict in a mixture of name schemes", async () => {
    const file = path.join(await temporaryFolder(), "a.safetensors");
    await writeSafetensors(file, { tensors: { ...tensors, "body.layer1.1.conv1.conv.weight": f32([1], [1]) } });
    expect((await failure(readCheckpoint(file))).message).toContain("partly official (X.0.weight) and partly timm's");
  });

  test("a safetensors file with a regular and an EMA network: one by request", async () => {
    const file = path.join(await temporaryFolder(), "a.safetensors");
    const both = Object.entries(tensors).flatMap(([name, tensor]) => [
      [`model.${name}`, tensor],
      [`ema_model.${name}`, { ...tensor, data: tensor.data.map((value) => value + 1) }],
    ]);
    await writeSafetensors(file, { tensors: Object.fromEntries(both) });
    expect(values((await readCheckpoint(file)).tensors["head.fc.bias"])).toEqual([0, 0, 0]);
    const ema = await readCheckpoint(file, { weights: "ema" });
    expect(values(ema.tensors["head.fc.bias"])).toEqual([1, 1, 1]);
  });

  test("constants and counters of other versions are left out, doubles are rounded", async () => {
    const file = path.join(await temporaryFolder(), "a.safetensors");
    await writeSafetensors(file, {
      tensors: {
        ...tensors,
        "body.conv1.1.num_batches_tracked": { type: { dtype: "i32", shape: [] }, data: Int32Array.of(7) },
        "body.layer2.0.conv1.1.filt": f32([1], [1]),
        "body.conv1.1.bias": { type: { dtype: "f32", shape: [2] }, data: Float64Array.of(0.1, 2) },
      },
    });
    const read = (await readCheckpoint(file)).tensors;
    expect(new Set(Object.keys(read))).toEqual(new Set([...Object.keys(tensors), "body.conv1.1.bias"]));
    expect(read["body.conv1.1.bias"]?.data).toEqual(Float32Array.of(0.1, 2));
  });

  test("a file that is no TResNet still gives its tensors", async () => {
    const file = path.join(await temporaryFolder(), "a.safetensors");
    await writeSafetensors(file, { tensors: { "fc.weight": f32([1], [1]) } });
    expect(await readCheckpoint(file)).toMatchObject({ architecture: null, keyScheme: null });
    expect((await failure(readSafetensors(fixture("data_parallel.pth")))).message).toContain("safetensors header");
  });
});

describe("matching a checkpoint to a model", () => {
  const expected = (classes: number): Record<string, TensorType> =>
    Object.fromEntries(Object.entries(tinyTresnet(classes)).map(([name, { type }]) => [name, type]));

  test("the same names and types: everything is loaded, in the model's order", () => {
    const shuffled = Object.fromEntries(Object.entries(tensors).reverse());
    const matched = matchState(expected(3), shuffled);
    expect(Object.keys(matched.tensors)).toEqual(Object.keys(expected(3)));
    expect(matched.notLoaded).toEqual([]);
  });

  test("another number of classes is an error that says how many, and how to go on", () => {
    const match = () => matchState(expected(5), tensors, { file: "best.safetensors" });
    expect(match).toThrow(CheckpointMismatchError);
    expect(match).toThrow(
      "best.safetensors: does not fit the model. 2 misshapen: " +
        "head.fc.weight (expected f32[5,2], found f32[3,2]), head.fc.bias (expected f32[5], found f32[3]). " +
        "Only the head differs (the checkpoint has 3 classes, the model 5): --load-backbone loads all but the head",
    );
  });

  test("--load-backbone: all but the head, whatever the head", () => {
    const { "head.fc.weight": _weight, "head.fc.bias": _bias, ...body } = tensors;
    const other = { ...body, "head.fc.FC.weight": f32([9, 4], new Float32Array(36)) };
    for (const checkpoint of [tensors, body, other]) {
      const matched = matchState(expected(5), checkpoint, { loadBackbone: true });
      expect(matched.tensors).toEqual(body);
      expect(matched.notLoaded).toEqual(["head.fc.weight", "head.fc.bias"]);
    }
  });

  test("missing, unexpected and misshapen keys are listed with counts, the first few by name", () => {
    const checkpoint = {
      ...Object.fromEntries(Object.entries(tensors).filter(([name]) => !name.includes("layer"))),
      "body.conv1.0.weight": f32([1, 1], [1]),
      ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((index) => [`extra${index}`, f32([1], [1])])),
    };
    try {
      matchState(expected(3), checkpoint, { loadBackbone: true });
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: "ERR_ASL_CHECKPOINT_MISMATCH" });
      if (!(error instanceof CheckpointMismatchError)) throw error;
      expect([error.missing.length, error.unexpected.length, error.misshapen.length]).toEqual([4, 6, 1]);
      expect(error.message).toContain("4 missing: body.layer1.0.conv1.0.weight, ");
      expect(error.message).toContain("6 unexpected: extra1, extra2, extra3, extra4, extra5, ...");
      expect(error.message).toContain("1 misshapen: body.conv1.0.weight (expected f32[2,48,1,1], found f32[1,1])");
      expect(error.message).not.toContain("--load-backbone");
    }
  });
});

import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { openModel } from "asl-cli";
import { readOnnxMetadata } from "asl-onnx";
import ort from "onnxruntime-node";
import { beforeAll, describe, expect, it } from "vitest";
import { buildOnnx } from "../src/build-onnx.js";
import { EnumValue, printTextProto } from "../src/target/text-proto.js";
import { tritonConfig } from "../src/target/triton.js";
import { CHECKPOINT, noise, run, scoresOf, temporaryFolder } from "./support.js";

let folder: string;
const inFolder = (...parts: string[]) => path.join(folder, ...parts);
beforeAll(async () => {
  folder = await temporaryFolder();
});

const exportTiny = (...args: string[]) => run("--model", CHECKPOINT, "--image-size", "64", ...args);
const configOf = async (batch: number | "dynamic", preprocess: boolean) => {
  const model = await openModel(CHECKPOINT, { imageSize: 64 });
  return tritonConfig(readOnnxMetadata(buildOnnx(model, batch, { preprocess })), "tagger");
};

describe("text format of protocol buffers", () => {
  it("prints scalars, enums, messages and repeated fields, and leaves out what is undefined", () => {
    const message = {
      text: 'a "b"\\\n\u0007 \u00e9',
      on: true,
      kind: new EnumValue("TYPE_A"),
      numbers: [1, -1],
      empty: {},
      part: [{ name: "x" }, { name: "y", inner: { count: 2 } }],
      nothing: undefined,
    };
    expect(printTextProto(message)).toMatchInlineSnapshot(`
      "text: "a \\"b\\"\\\\\\n\\007 é"
      on: true
      kind: TYPE_A
      numbers: [1, -1]
      empty {}
      part {
        name: "x"
      }
      part {
        name: "y"
        inner {
          count: 2
        }
      }
      "
    `);
  });
});

describe("config.pbtxt", () => {
  it("of any batch: Triton makes the batches", async () => {
    expect(await configOf("dynamic", false)).toMatchInlineSnapshot(`
      "name: "tagger"
      backend: "onnxruntime"
      max_batch_size: 8
      input {
        name: "images"
        data_type: TYPE_FP32
        dims: [3, 64, 64]
      }
      output {
        name: "logits"
        data_type: TYPE_FP32
        dims: [20]
        label_filename: "labels.txt"
      }
      dynamic_batching {
        max_queue_delay_microseconds: 2000
      }
      "
    `);
  });

  it("with preprocessing: pictures of any size", async () => {
    expect(await configOf("dynamic", true)).toMatchInlineSnapshot(`
      "name: "tagger"
      backend: "onnxruntime"
      max_batch_size: 8
      input {
        name: "images"
        data_type: TYPE_UINT8
        dims: [-1, -1, 3]
      }
      output {
        name: "scores"
        data_type: TYPE_FP32
        dims: [20]
        label_filename: "labels.txt"
      }
      output {
        name: "labels"
        data_type: TYPE_BOOL
        dims: [20]
      }
      dynamic_batching {
        max_queue_delay_microseconds: 2000
      }
      "
    `);
  });

  it("of a fixed batch: a request is a whole batch", async () => {
    expect(await configOf(4, false)).toMatchInlineSnapshot(`
      "name: "tagger"
      backend: "onnxruntime"
      max_batch_size: 0
      input {
        name: "images"
        data_type: TYPE_FP32
        dims: [4, 3, 64, 64]
      }
      output {
        name: "logits"
        data_type: TYPE_FP32
        dims: [4, 20]
        label_filename: "labels.txt"
      }
      "
    `);
  });
});

/** Reads what printTextProto prints: enough of the format to check what Triton will understand. */
function readTextProto(text: string): Record<string, unknown[]> {
  const tokens = [...text.matchAll(/"(?:[^"\\]|\\.)*"|[\w.-]+|[:{}[\],]/g)].map(([token]) => token);
  const scalar = (token: string): unknown =>
    token.startsWith('"') ? JSON.parse(token) : /^-?\d/.test(token) ? Number(token) : token;
  const message = (): Record<string, unknown[]> => {
    const fields: Record<string, unknown[]> = {};
    while (tokens.length > 0 && tokens[0] !== "}") {
      const name = tokens.shift()!;
      fields[name] ??= [];
      if (tokens[0] === "{") {
        tokens.shift();
        fields[name].push(message());
        expect(tokens.shift()).toBe("}");
        continue;
      }
      expect(tokens.shift()).toBe(":");
      if (tokens[0] !== "[") fields[name].push(scalar(tokens.shift()!));
      else {
        while (tokens.shift() !== "]") fields[name].push(scalar(tokens.shift()!));
      }
    }
    return fields;
  };
  return message();
}

describe("--target triton", () => {
  it("writes a model of a repository: what the config says is what ONNX Runtime finds in the file", async () => {
    await mkdir(inFolder("repository"));
    const out = inFolder("repository", "tagger");
    const { code, stdout, stderr } = await exportTiny("--target", "triton", "--with-preprocess", "--out", out);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/tagger\/1\/model.onnx: .* images u8\[batch,height,width,3\] -> scores and labels/);
    expect(await readdir(inFolder("repository"))).toEqual(["tagger"]);
    expect((await readdir(out)).sort()).toEqual(["1", "config.pbtxt", "labels.txt"]);
    const config = readTextProto(await readFile(path.join(out, "config.pbtxt"), "utf8"));
    expect(config).toMatchObject({ name: ["tagger"], backend: ["onnxruntime"], max_batch_size: [8] });
    const session = await ort.InferenceSession.create(path.join(out, "1", "model.onnx"));
    const TYPES: Record<string, string> = { TYPE_UINT8: "uint8", TYPE_FP32: "float32", TYPE_BOOL: "bool" };
    const found = [...session.inputMetadata, ...session.outputMetadata].map((value) => {
      if (!value.isTensor) return expect.fail(`${value.name} is no tensor`);
      return [value.name, value.type, value.shape.slice(1).map((each) => (typeof each === "number" ? each : -1))];
    });
    const said = [...config.input!, ...config.output!].map((value) => {
      const { name, data_type, dims } = value as Record<string, unknown[]>;
      return [name![0], TYPES[String(data_type![0])], dims];
    });
    expect(said).toEqual(found);
    const labels = (await readFile(path.join(out, "labels.txt"), "utf8")).split("\n");
    expect(labels).toEqual([...(await openModel(CHECKPOINT, { imageSize: 64 })).classNames, ""]);
  });
});

describe("--target node", () => {
  let out: string;
  let picture: string;
  beforeAll(async () => {
    out = inFolder("node");
    const { code, stdout, stderr } = await exportTiny("--target", "node", "--json", "--out", out);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ target: "node", folder: out, file: path.join(out, "model.onnx") });
    expect(JSON.parse(stdout).files.sort()).toEqual((await readdir(out)).sort());
    // what npm install would put there
    await symlink(fileURLToPath(new URL("../node_modules", import.meta.url)), path.join(out, "node_modules"));
    picture = inFolder("picture.png");
    await noise(90, 70).toFile(picture);
  }, 120_000);

  it("describes the model in JSON", async () => {
    const description = JSON.parse(await readFile(path.join(out, "model.json"), "utf8"));
    const { classNames: labels } = await openModel(CHECKPOINT, { imageSize: 64 });
    const expected = { file: "model.onnx", labels, thresholds: 0.8, imageSize: 64, resizeFilter: "bicubic" };
    expect(description).toMatchObject(expected);
  });

  it("has a module that tags a picture", async () => {
    const { openTagger } = await import(pathToFileURL(path.join(out, "tagger.mjs")).href);
    const tagger = await openTagger();
    const { tags, scores } = await tagger.tag(picture);
    expect(scores).toHaveLength(20);
    for (const [index, score] of (await scoresOf(path.join(out, "model.onnx"), picture)).entries()) {
      expect(scores[index]).toBe(score);
    }
    const above = tagger.labels.filter((_: string, index: number) => scores[index] > 0.8);
    expect(tags.map(({ name }: { name: string }) => name).sort()).toEqual(above.sort());
    const grey = await noise(64, 64).toColourspace("b-w").png().toBuffer();
    expect((await tagger.tag(grey)).scores).toHaveLength(20);
  });

  it("has a program that does so", async () => {
    await writeFile(inFolder("damaged.png"), "no picture");
    const tag = promisify(execFile)(process.execPath, [path.join(out, "tag.mjs"), picture, inFolder("damaged.png")]);
    const { stdout, stderr, code } = (await tag.catch((error: unknown) => error)) as Record<string, string>;
    expect(code).toBe(1);
    expect(JSON.parse(stdout!).picture).toBe(picture);
    expect(stderr).toMatch(/damaged.png: Input file contains unsupported image format/);
  });
});

describe("a target", () => {
  it.each([
    [["--target", "tritan", "--out", "x"], 2, /one of web, node, triton; got "tritan"/],
    [["--target", "web", "--format", "safetensors", "--out", "x"], 2, /--target: a safetensors file holds weights/],
    [["--target", "web", "--out", "full"], 1, /full: cannot be written: the folder is there and not empty/],
    [["--target", "web", "--out", "full/file"], 1, /file: cannot be written: it is a file; the name of a folder/],
    [["--target", "web", "--out", "none/site"], 1, /site: cannot be written: its folder does not exist/],
  ])("refuses %j", async (options, expected, message) => {
    await mkdir(inFolder("full"), { recursive: true });
    await writeFile(inFolder("full", "file"), "");
    const placed = options.map((each, index) => (options[index - 1] === "--out" ? inFolder(each) : each));
    const { code, stderr } = await exportTiny(...placed);
    expect(stderr).toMatch(message);
    expect(code).toBe(expected);
    expect(await readdir(inFolder("full"))).toEqual(["file"]);
  });
});

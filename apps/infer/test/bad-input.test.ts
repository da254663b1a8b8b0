import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FIXTURES, run } from "./run-command.js";

const CHECKPOINT = path.join(FIXTURES, "checkpoint.pth");

let folder: string;
const inFolder = (name: string) => path.join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "asl-bad-"));
  const background = { r: 90, g: 140, b: 60 };
  await sharp({ create: { width: 64, height: 64, channels: 3, background } }).toFile(inFolder("good.jpg"));
});

afterAll(() => rm(folder, { recursive: true }));

/** One error line, no stack, no output. */
async function refused(code: number, args: readonly string[]): Promise<string> {
  const { code: found, stdout, stderr } = await run("infer", args);
  expect(stdout).toBe("");
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(found).toBe(code);
  return stderr;
}

/** A text as pickle's SHORT_BINSTRING. */
const pickled = (text: string) => [0x55, text.length, ...Buffer.from(text)];

/** A file in PyTorch's old format (magic number, protocol, system, object) whose object is os.system(command). */
function maliciousPth(command: string): Uint8Array {
  const magic = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];
  const protocol = [0x80, 2, 0x4d, 0xe9, 0x03, 0x2e];
  const system = [0x80, 2, 0x7d, ...pickled("little_endian"), 0x88, 0x73, 0x2e];
  const call = [0x80, 2, ...Buffer.from("cos\nsystem\n"), ...pickled(command), 0x85, 0x52, 0x2e];
  return Uint8Array.from([...magic, ...protocol, ...system, ...call]);
}

describe("a picture", () => {
  it("that is not there", async () => {
    const stderr = await refused(1, [inFolder("none.jpg"), "--model", CHECKPOINT, "--image-size", "64"]);
    expect(stderr).toMatch(/none\.jpg: no such file\. Check the path\./);
  });

  it("pattern that matches nothing", async () => {
    const stderr = await refused(1, [inFolder("*.gif"), "--model", CHECKPOINT]);
    expect(stderr).toMatch(/\*\.gif: no file matches this pattern/);
  });

  it("is never replaced by its annotated copy", async () => {
    const args = [inFolder("good.jpg"), "--model", CHECKPOINT, "--image-size", "64", "--save-annotated", folder];
    expect(await refused(1, args)).toMatch(/would replace the picture .*good\.jpg\. Name another folder/);
  });
});

describe("a model", () => {
  const withModel = (file: string) => [inFolder("good.jpg"), "--model", file, "--image-size", "64"];

  it("that is not there", async () => {
    expect(await refused(1, withModel(inFolder("none.pth")))).toMatch(
      /none\.pth: .*no such file|none\.pth.*does not exist/,
    );
    expect(await refused(1, withModel(inFolder("none.onnx")))).toMatch(/none\.onnx: no such file/);
    expect(await refused(1, withModel("asl_tresnet_m"))).toMatch(
      /"asl_tresnet_m": no such file, and no model of this name; nearest: asl_tresnet_m_coco_224, /,
    );
  });

  it("of 0 bytes", async () => {
    for (const name of ["empty.pth", "empty.safetensors", "empty.onnx"]) {
      await writeFile(inFolder(name), "");
      expect(await refused(1, withModel(inFolder(name)))).toMatch(new RegExp(`${name}.*empty`));
    }
  });

  it("that is a text", async () => {
    for (const name of ["text.pth", "text.onnx"]) {
      await writeFile(inFolder(name), "this is no model, whatever its name says");
      expect(await refused(1, withModel(inFolder(name)))).toContain(`error: ${inFolder(name)}: `);
    }
  });

  it("whose pickle calls os.system: refused by name, and nothing is run", async () => {
    const proof = inFolder("was-run");
    await writeFile(inFolder("evil.pth"), maliciousPth(`touch ${proof}`));
    expect(await refused(1, withModel(inFolder("evil.pth")))).toMatch(/evil\.pth: .*os\.system/);
    expect(existsSync(proof)).toBe(false);
  });
});

describe("an option", () => {
  const infer = (...options: string[]) => [inFolder("good.jpg"), "--model", CHECKPOINT, ...options];

  it("--classes with another number of names than the model has classes", async () => {
    await writeFile(inFolder("three.txt"), "cat\ndog\ncow\n");
    const stderr = await refused(1, infer("--image-size", "64", "--classes", inFolder("three.txt")));
    expect(stderr).toMatch(/the model has 20 classes, but the given list has 3 class names/);
  });

  it("--image-size that is no multiple of 4", async () => {
    expect(await refused(2, infer("--image-size", "65"))).toMatch(/multiple of 4.*got 65.*64 or 68/);
  });

  it("--backend that is unknown", async () => {
    expect(await refused(2, infer("--backend", "abacus"))).toMatch(
      /one of onnx, onnx-web, reference, tfjs-.*; got "abacus"/,
    );
  });

  it("--threshold outside 0 to 1, --top that is no number", async () => {
    expect(await refused(2, infer("--threshold", "1.5"))).toMatch(/a number from 0 to 1; got "1\.5"/);
    expect(await refused(2, infer("--top", "some"))).toMatch(/a whole number from 1 on; got "some"/);
  });

  it("--host and others of a server without --serve", async () => {
    expect(await refused(2, infer("--host", "0.0.0.0", "--max-queue", "64"))).toMatch(
      /--host, --max-queue: of a server; add --serve PORT, or leave it out/,
    );
  });

  it("--model that is missing", async () => {
    expect(await refused(2, [inFolder("good.jpg")])).toMatch(/required option '--model <file>' not specified/);
  });
});

import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FIXTURES, ROOT, run, runFile } from "./run-command.js";

const BIN = path.join(ROOT, "apps/infer/dist/bin");
const CHECKPOINT = path.join(FIXTURES, "checkpoint.pth");

let folder: string;

beforeAll(async () => {
  const { code, stderr } = await runFile(path.join(ROOT, "scripts/bundle-infer.mjs"), []);
  expect([code, stderr]).toEqual([0, ""]);
  folder = await mkdtemp(path.join(tmpdir(), "asl-infer-bundle-"));
  const picture = path.join(folder, "a.png");
  const pixels = Uint8Array.from({ length: 96 * 64 * 3 }, (_, index) => (index / 7) % 256);
  await sharp(pixels, { raw: { width: 96, height: 64, channels: 3 } }).toFile(picture);
  for (let copy = 0; copy < 16; copy++) await cp(picture, path.join(folder, "many", `${copy}.png`));
  await writeFile(path.join(folder, "broken.jpg"), "no picture");
  const exported = ["--model", CHECKPOINT, "--image-size", "64", "--out", path.join(folder, "model.onnx")];
  expect((await run("export", exported)).code).toBe(0);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the command in a few files", () => {
  const model = ["--model", CHECKPOINT, "--image-size", "64"];
  it.each<[what: string, args: readonly string[], code: number]>([
    ["a checkpoint", ["a.png", ...model, "--json"], 0],
    ["an ONNX file", ["a.png", "--model", "model.onnx", "--json"], 0],
    ["more pictures than one thread prepares", ["many", "a.png", ...model, "--batch-size", "4"], 0],
    ["a picture that is none", ["broken.jpg", ...model], 1],
    ["a checkpoint that is none", ["a.png", "--model", "broken.jpg"], 1],
    ["a model that is not there", ["a.png", "--model=nowhere.pth"], 1],
    ["its version", ["--version", ...model], 0],
    ["wrong arguments", ["a.png", ...model, "--top", "none"], 2],
    ["another backend", ["a.png", ...model, "--backend", "onnx-web", "--json"], 0],
    ["drawing", ["a.png", ...model, "--save-annotated", "drawn"], 0],
  ])("says and returns what the modules do: %s", async (_, args, code) => {
    const bin = path.join(BIN, "asl-infer.js");
    const [bundled, modules] = await Promise.all([runFile(bin, args, folder), run("infer", args, folder)]);
    expect(bundled.code).toBe(code);
    expect(bundled).toEqual(modules);
  });

  it("holds the licence of every package in it", async () => {
    const readable = path.join(folder, "readable");
    await runFile(path.join(ROOT, "scripts/bundle-infer.mjs"), ["--readable", "--out", readable]);
    const files = (await readdir(readable)).filter((name) => name.endsWith(".js"));
    const code = (await Promise.all(files.map((name) => readFile(path.join(readable, name), "utf8")))).join("\n");
    const packages = new Set(
      [...code.matchAll(/^\/\/ .*node_modules\/((?:@[^/]+\/)?[^/]+)\//gm)].map(([, name]) => name),
    );
    expect(packages.size).toBeGreaterThan(5);
    const licences = await readFile(path.join(BIN, "LICENSES.txt"), "utf8");
    const named = new Set([...licences.matchAll(/^(\S+) \d+\.\d+\.\d+: \S+$/gm)].map(([, name]) => name));
    expect([...packages].filter((name) => !named.has(name))).toEqual([]);
    expect(licences).not.toContain("no licence file");
  });
});

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FIXTURES, PICTURE, PICTURE_IS_MISSING, run } from "./run-command.js";

interface Line {
  readonly image: string;
  readonly labels: readonly { readonly name: string; readonly score: number }[];
  readonly scores: Readonly<Record<string, number>>;
}

const linesOf = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

const MODEL = ["--model", path.join(FIXTURES, "checkpoint.pth"), "--image-size", "64"];

let folder: string;
const inFolder = (name: string) => path.join(folder, name);

/** Broad stripes, so that a picture is more than one colour. */
function stripes(seed: number) {
  const pixels = Uint8Array.from({ length: 96 * 64 * 3 }, (_, index) => ((index / 30) * (seed + 2) * 40) % 256);
  return sharp(pixels, { raw: { width: 96, height: 64, channels: 3 } });
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "asl-infer-"));
  for (const [index, name] of ["a.jpg", "b.png", "c.webp"].entries()) await stripes(index).toFile(inFolder(name));
});

afterAll(() => rm(folder, { recursive: true }));

describe.skipIf(PICTURE_IS_MISSING)(
  "infer on a real picture (skipped where ../shared/goldens is not there: the picture may not be committed)",
  () => {
    const expected = async () => {
      const text = await readFile(path.join(FIXTURES, "expected_infer_000000000885.json"), "utf8");
      return JSON.parse(text) as { classes: string[]; bicubic: { scores: number[] } };
    };

    it.each(["checkpoint.pth", "checkpoint_legacy.pth", "checkpoint_timm.safetensors"])(
      "gives the official scores within 1e-5: %s",
      async (file) => {
        const model = ["--model", path.join(FIXTURES, file), "--image-size", "64"];
        const { code, stdout } = await run("infer", [PICTURE, ...model, "--json"]);
        expect(code).toBe(0);
        const [line, ...more] = linesOf(stdout);
        expect(more).toEqual([]);
        expect(line!.image).toBe(PICTURE);
        const { classes, bicubic } = await expected();
        // timm's file holds no class names
        if (file.endsWith(".pth")) expect(Object.keys(line!.scores)).toEqual(classes);
        Object.values(line!.scores).forEach((score, index) => {
          expect(Math.abs(score - bicubic.scores[index]!)).toBeLessThanOrEqual(1e-5);
        });
      },
    );

    it("gives them from the exported file, too", async () => {
      const onnx = inFolder("model.onnx");
      expect((await run("export", [...MODEL, "--out", onnx])).code).toBe(0);
      const { stdout } = await run("infer", [PICTURE, "--model", onnx, "--json"]);
      const { classes, bicubic } = await expected();
      const { scores } = linesOf(stdout)[0]!;
      classes.forEach((name, index) => {
        expect(Math.abs(scores[name]! - bicubic.scores[index]!)).toBeLessThanOrEqual(1e-5);
      });
    });
  },
);

describe("--numerics exact", () => {
  const MODEL_AT_32 = ["--model", path.join(FIXTURES, "checkpoint.pth"), "--image-size", "32"];
  const exact = ["--numerics", "exact"];

  it("prints the same scores, digit for digit, on other backends and from an exported file", async () => {
    const onnx = inFolder("exact.onnx");
    const exported = await run("export", [...MODEL_AT_32, ...exact, "--batch", "1", "--out", onnx]);
    expect(exported.stdout).toContain("same bits");
    const picture = inFolder("b.png");
    const [first, ...others] = await Promise.all([
      run("infer", [picture, ...MODEL_AT_32, ...exact, "--json"]),
      run("infer", [picture, ...MODEL_AT_32, ...exact, "--json", "--backend", "tfjs-wasm"]),
      run("infer", [picture, ...MODEL_AT_32, ...exact, "--json", "--backend", "reference"]),
      run("infer", [picture, "--model", onnx, "--json", "--backend", "onnx-web"]),
    ]);
    expect(first!.code, first!.stderr).toBe(0);
    const scores = (stdout: string) => Object.values(linesOf(stdout)[0]!.scores);
    expect(scores(first!.stdout)).toHaveLength(20);
    for (const { stdout } of others) expect(scores(stdout)).toEqual(scores(first!.stdout));
  });

  it("is refused for a file that holds its own arithmetic", async () => {
    const { code, stderr } = await run("infer", [inFolder("b.png"), "--model", inFolder("exact.onnx"), ...exact]);
    expect(code).toBe(2);
    expect(stderr).toContain("--numerics: an ONNX file holds its own arithmetic");
  });
});

describe("infer", () => {
  it("prints one JSON object a picture and nothing else on stdout, the same for a folder, a pattern and names", async () => {
    const [fromFolder, fromPattern, fromNames] = await Promise.all([
      run("infer", [folder, ...MODEL, "--json"]),
      run("infer", ["*.{jpg,png,webp}", ...MODEL, "--json"], folder),
      run("infer", ["a.jpg", "b.png", "c.webp", ...MODEL, "--json"], folder),
    ]);
    const names = (stdout: string) => linesOf(stdout).map(({ image }) => path.basename(image));
    expect(names(fromFolder.stdout)).toEqual(["a.jpg", "b.png", "c.webp"]);
    expect(linesOf(fromPattern.stdout).map(({ image }) => image)).toEqual(["a.jpg", "b.png", "c.webp"]);
    expect(fromPattern.stdout).toBe(fromNames.stdout);
    expect([fromFolder.code, fromPattern.code, fromNames.code]).toEqual([0, 0, 0]);
  });

  it("gives the same scores within 1e-5 whatever the batch size", async () => {
    const [alone, together] = await Promise.all(
      ["1", "2"].map(async (size) =>
        linesOf((await run("infer", [folder, ...MODEL, "--json", "--batch-size", size])).stdout),
      ),
    );
    expect(alone).toHaveLength(3);
    alone!.forEach(({ scores }, row) => {
      for (const [name, score] of Object.entries(scores)) {
        expect(Math.abs(score - together![row]!.scores[name]!)).toBeLessThanOrEqual(1e-5);
      }
    });
  });

  it("lists labels above the threshold by score, at most --top of them, and all scores", async () => {
    const { stdout } = await run("infer", [inFolder("a.jpg"), ...MODEL, "--json", "--threshold", "0.3", "--top", "2"]);
    const { labels, scores } = linesOf(stdout)[0]!;
    const above = Object.entries(scores).filter(([, score]) => score > 0.3);
    const sorted = above.sort(([, a], [, b]) => b - a).map(([name, score]) => ({ name, score }));
    expect(labels).toEqual(sorted.slice(0, 2));
    expect(Object.keys(scores)).toHaveLength(20);
  });

  it("names the classes as a file says", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `thing ${index}`);
    await writeFile(inFolder("names.txt"), names.join("\n"));
    const { stdout } = await run("infer", [inFolder("a.jpg"), ...MODEL, "--json", "--classes", inFolder("names.txt")]);
    expect(Object.keys(linesOf(stdout)[0]!.scores)).toEqual(names);
  });

  it("keeps going after bad pictures, names each on stderr, writes the others, and exits with 1", async () => {
    const mixed = await mkdtemp(path.join(tmpdir(), "asl-mixed-"));
    const whole = await stripes(1).jpeg().toBuffer();
    await writeFile(path.join(mixed, "1-good.jpg"), whole);
    await writeFile(path.join(mixed, "2-text.jpg"), "this is no picture");
    await writeFile(path.join(mixed, "3-truncated.jpg"), whole.subarray(0, whole.length / 2));
    await writeFile(path.join(mixed, "4-empty.jpg"), "");
    await writeFile(path.join(mixed, "5-good.jpg"), whole);
    const out = path.join(mixed, "tagged");
    const result = await run("infer", [mixed, "missing.jpg", ...MODEL, "--json", "--save-annotated", out], mixed);
    expect(linesOf(result.stdout).map(({ image }) => path.basename(image))).toEqual(["1-good.jpg", "5-good.jpg"]);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/2-text\.jpg: not a picture that can be read \(it starts with "this is no p"\)/);
    expect(result.stderr).toMatch(/3-truncated\.jpg: this JPEG file is damaged or cut off after \d+ bytes/);
    expect(result.stderr).toMatch(/4-empty\.jpg: the file is empty \(0 bytes\)/);
    expect(result.stderr).toMatch(/missing\.jpg: no such file/);
    expect(result.stderr).toMatch(/4 of 6 pictures failed/);
    expect(await readdir(out)).toEqual(["1-good.jpg", "5-good.jpg"]);
    await rm(mixed, { recursive: true });
  });
});

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { inspectTresnet, writeCheckpoint } from "asl-checkpoint";
import { f32, initialize, type Tensors, tresnet } from "asl-core";
import { type EmojiScenes, emojiClassNames, generateEmojiScenes } from "asl-data";
import { type ReportData, reportData } from "asl-report";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CommandResult, runValidate } from "./run-command.js";

const CLASSES = emojiClassNames(20);
const KEYS = [
  "mAP",
  "mAPPresent",
  "CP",
  "CR",
  "CF1",
  "CF1OfMeans",
  "OP",
  "OR",
  "OF1",
  "threshold",
  "images",
  "classes",
];

let folder = "";
let scenes: EmojiScenes;
let weights: Tensors;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "asl-validate-"));
  scenes = await generateEmojiScenes({ out: join(folder, "scenes"), split: "val", scenes: 10, imageSize: 32 });
  const start = initialize(tresnet({ blocks: [1, 1, 1, 1], planes: 4, basicStages: 2, classes: 20 }).state, 0);
  // a spread of scores, so that thresholds and rankings mean something
  weights = {
    ...start,
    "head.fc.bias": f32(
      [20],
      CLASSES.map((_, index) => (index - 10) / 10),
    ),
  };
  await writeModel("model.safetensors", CLASSES, weights);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function writeModel(name: string, classNames: readonly string[], tensors: Tensors): Promise<void> {
  await writeCheckpoint(join(folder, name), {
    tensors,
    metadata: {
      model: { ...inspectTresnet(tensors), numClasses: 20 },
      classNames,
      thresholds: 0.3,
      imageSize: 32,
      resizeFilter: "bilinear",
      recipe: {},
      step: 0,
      epoch: 0,
      metrics: {},
      weights: "regular",
    },
  });
}

const onScenes = (...more: string[]): Promise<CommandResult> =>
  runValidate(folder, [
    "--data",
    scenes.pictures,
    "--annotations",
    scenes.annotations,
    "--workers",
    "0",
    "--model",
    "model.safetensors",
    ...more,
  ]);

interface Report {
  readonly mAP: number;
  readonly threshold: number;
  readonly images: number;
  readonly classes: Readonly<Record<string, number>>;
}

/** stdout must be one line of JSON and nothing else. */
function reportOf({ code, stdout, stderr }: CommandResult): Report {
  expect(code, stderr).toBe(0);
  expect(stdout.endsWith("\n") && stdout.indexOf("\n") === stdout.length - 1, stdout).toBe(true);
  return JSON.parse(stdout);
}

describe("asl-validate with a model", () => {
  it("--json prints one object with exactly the promised keys, in percent", async () => {
    const report = reportOf(await onScenes("--json"));
    expect(Object.keys(report)).toEqual(KEYS);
    expect(report).toMatchObject({ threshold: 0.3, images: 10 });
    expect(Object.keys(report.classes)).toEqual(CLASSES);
    expect(report.mAP).toBeGreaterThan(1);
    expect(report.mAP).toBeLessThanOrEqual(100);
  });

  it("--numerics exact gives the same scores, bit for bit, on another backend", async () => {
    const saved = async (name: string, ...more: string[]) => {
      const result = await onScenes("--numerics", "exact", "--save-predictions", name, ...more);
      expect(result.code, result.stderr).toBe(0);
      return readFileSync(join(folder, name));
    };
    const onnx = await saved("exact-onnx.safetensors");
    const tfjs = await saved("exact-tfjs.safetensors", "--backend", "tfjs-wasm");
    expect(tfjs.equals(onnx)).toBe(true);
  });

  it("prints tables for people", async () => {
    const { code, stdout, stderr } = await onScenes("--threshold", "0.5");
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(
      /^10 pictures, 20 classes\nmAP [\d.]+ \(over the classes that occur: [\d.]+\)\n\nscore > 0\.5 +precision +recall +F1/,
    );
    for (const name of CLASSES) expect(stdout).toContain(`\n${name} `);
  });

  it("gives the same whatever the batch size and the backend", async () => {
    const [one, other, reference] = await Promise.all([
      onScenes("--json"),
      onScenes("--json", "--batch-size", "3", "--workers", "2"),
      onScenes("--json", "--backend", "reference"),
    ]);
    const expected = reportOf(one!);
    for (const result of [other!, reference!]) expect(reportOf(result).mAP).toBeCloseTo(expected.mAP, 6);
  });

  it("measures saved predictions as it measured the model", async () => {
    const measured = reportOf(
      await onScenes("--json", "--save-predictions", "saved.safetensors", "--report", "a.html"),
    );
    expect(reportOf(await runValidate(folder, ["--predictions", "saved.safetensors", "--json"]))).toEqual(measured);
    const other = reportOf(
      await runValidate(folder, ["--predictions", "saved.safetensors", "--json", "--threshold", "0.6"]),
    );
    expect(other).toMatchObject({ threshold: 0.6, mAP: measured.mAP });

    const pageOf = (file: string) => reportData(readFileSync(join(folder, file), "utf8"));
    const [{ mAP, threshold, images }, { validation }] = [measured, pageOf("a.html")];
    expect(validation!.metrics).toMatchObject({ mAP, threshold, images });
    expect(validation!.falsePositives[0]!.image).toMatch(/^data:image\/jpeg;base64,/);
    await runValidate(folder, ["--predictions", "saved.safetensors", "--report", "b.html"]);
    const without = ({ falsePositives }: NonNullable<ReportData["validation"]>) =>
      falsePositives.map(({ image: _, ...mistake }) => mistake);
    expect(without(pageOf("b.html").validation!)).toEqual(without(validation!));
  });

  it("matches classes by name when their order differs", async () => {
    // the same network with its outputs, and their names, the other way round
    const turned = [...CLASSES].reverse();
    const flip = (name: "head.fc.weight" | "head.fc.bias") => {
      const { type, data } = weights[name]!;
      const size = data.length / 20;
      return f32(
        type.shape,
        turned.flatMap((_, row) => [...data.subarray((19 - row) * size, (20 - row) * size)]),
      );
    };
    await writeModel("turned.safetensors", turned, {
      ...weights,
      "head.fc.weight": flip("head.fc.weight"),
      "head.fc.bias": flip("head.fc.bias"),
    });
    const result = await onScenes("--json", "--model", "turned.safetensors");
    expect(result.stderr).toContain("in another order; they are matched by name");
    const expected = reportOf(await onScenes("--json"));
    const report = reportOf(result);
    for (const name of CLASSES) expect(report.classes[name]).toBeCloseTo(expected.classes[name]!, 6);
  });

  it("finds annotations beside the pictures", async () => {
    const { code, stderr } = await runValidate(folder, [
      "--data",
      "scenes",
      "--model",
      "model.safetensors",
      "--workers",
      "0",
    ]);
    expect(code, stderr).toBe(0);
  });
});

const PUBLISHED = resolve(fileURLToPath(import.meta.url), "../../../../fixtures/metrics/coco_tresnet_xl_scores.npz");

describe("asl-validate --predictions of published scores", () => {
  it.each([
    ["0.5", { CP: 63.7029, CR: 93.9987, OP: 61.6768, OR: 95.4344 }],
    ["0.8", { CP: 89.9616, CR: 82.3678, OP: 90.4096, OR: 84.3415 }],
  ])("gives the published numbers at %s", async (threshold, row) => {
    const report = reportOf(
      await runValidate(folder, ["--predictions", PUBLISHED, "--threshold", threshold, "--json"]),
    );
    expect(Math.abs(report.mAP - 91.2806)).toBeLessThanOrEqual(0.001);
    expect(report.images).toBe(4952);
    for (const [key, value] of Object.entries(row))
      expect(Math.abs(Number(Object(report)[key]) - value)).toBeLessThanOrEqual(5e-5);
  });
});

describe("asl-validate with bad input: one line on stderr, nothing on stdout", () => {
  const refuse = async (args: readonly string[], exitCode: number, message: RegExp) => {
    const { code, stdout, stderr } = await runValidate(folder, args);
    expect(stdout).toBe("");
    const errors = stderr.split("\n").filter((line) => line.startsWith("error: "));
    expect(errors, stderr).toEqual([expect.stringMatching(message)]);
    expect(code).toBe(exitCode);
  };
  const data = () => ["--data", scenes.pictures, "--annotations", scenes.annotations, "--workers", "0"];
  const model = ["--model", "model.safetensors"];

  it("nothing to do, or two things", async () => {
    await refuse([], 2, /either --data DIR and --model CHECKPOINT, or --predictions FILE is needed/);
    writeFileSync(join(folder, "x.npz"), "");
    await refuse(["--predictions", "x.npz", ...model], 2, /--predictions replaces --model and --data/);
    await refuse(["--compare", "a", "b", "--report", "x.html"], 2, /--report is about one set of predictions/);
    await refuse([...data(), ...model, "--report", "no/x.html"], 1, /no\/x\.html: cannot be written/);
  });

  it("missing files", async () => {
    await refuse(
      [...data(), "--model", "no.pth"],
      2,
      /'--model <file>' argument 'no\.pth' is invalid\. Expected an existing file/,
    );
    await refuse(["--data", "nowhere", ...model], 2, /Expected an existing folder/);
    await refuse(["--data", scenes.pictures, ...model], 2, /no annotations found .*--annotations FILE/);
  });

  it("an empty checkpoint, and one that calls a program", async () => {
    writeFileSync(join(folder, "empty.pth"), "");
    await refuse([...data(), "--model", "empty.pth"], 1, /empty\.pth: .*empty/);
    const refused = resolve(fileURLToPath(import.meta.url), "../../../../fixtures/checkpoint/refused_command.pth");
    await refuse([...data(), "--model", refused], 1, /refused to build ".*system"/);
  });

  it("wrong number of classes, other classes", async () => {
    const instances = JSON.parse(readFileSync(scenes.annotations, "utf8"));
    const one = instances.categories[0].id;
    const only = {
      ...instances,
      categories: [instances.categories[0]],
      annotations: instances.annotations.filter((each: { category_id: number }) => each.category_id === one),
    };
    writeFileSync(join(folder, "one.json"), JSON.stringify(only));
    await refuse(
      ["--data", scenes.pictures, "--annotations", "one.json", ...model],
      1,
      /has 20 classes, the annotations have 1, and they are not the same: only in the model: /,
    );
    await writeModel("renamed.safetensors", ["nobody", ...CLASSES.slice(1)], weights);
    await refuse(
      [...data(), "--model", "renamed.safetensors"],
      1,
      /only in the annotations: person; only in the model: nobody/,
    );
    writeFileSync(join(folder, "two.txt"), "cat\ndog\n");
    await refuse(
      [...data(), ...model, "--classes", "two.txt"],
      1,
      /the model has 20 classes, but the given list has 2 class names/,
    );
  });

  it("weights of the other kind, image size, backend, threshold", async () => {
    await refuse([...data(), ...model, "--weights", "ema"], 1, /holds the regular weights, not the ema ones/);
    await refuse([...data(), ...model, "--image-size", "30"], 2, /multiple of 4.*got 30; nearest: 28 or 32/);
    await refuse(
      [...data(), ...model, "--backend", "gpu"],
      2,
      /Expected a backend, one of onnx, onnx-web, reference, tfjs-.*; got "gpu"/,
    );
    await refuse([...data(), ...model, "--threshold", "80"], 2, /Expected a number from 0 to 1; got "80"/);
  });

  it("NaN in the logits: the picture and the class", async () => {
    const bias = Float32Array.from(weights["head.fc.bias"]!.data);
    bias[2] = Number.NaN;
    await writeModel("nan.safetensors", CLASSES, { ...weights, "head.fc.bias": f32([20], bias) });
    await refuse(
      [...data(), "--model", "nan.safetensors"],
      1,
      /evaluation: logits is NaN for picture "[^"]+\.png", class "car"/,
    );
  });

  it("predictions that cannot be written, before the network runs", async () => {
    const { code, stderr } = await onScenes("--save-predictions", "no/folder/p.safetensors");
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^error: no\/folder\/p\.safetensors: cannot be written: its folder does not exist/),
    ]);
  });
});

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectTresnet, writeCheckpoint } from "asl-checkpoint";
import { f32, initialize, tresnet } from "asl-core";
import { emojiClassNames, generateEmojiScenes } from "asl-data";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runTrain } from "./run-command.js";
import { TINY_NETWORK } from "./tiny-network.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "asl-train-bad-"));
  await generateEmojiScenes({ out: join(folder, "scenes"), split: "train", scenes: 16, imageSize: 32 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TINY = [...TINY_NETWORK, "--image-size", "32", "--batch-size", "8", "--epochs", "1"];
const SCENES = ["--data", "scenes/pictures", "--annotations", "scenes/instances.json"];

/** The instances file of the scenes, changed. */
function changedAnnotations(
  name: string,
  change: (instances: Record<string, { [key: string]: unknown }[]>) => void,
): string {
  const instances = JSON.parse(readFileSync(join(folder, "scenes/instances.json"), "utf8"));
  change(instances);
  writeFileSync(join(folder, name), JSON.stringify(instances));
  return name;
}

async function messageOf(args: readonly string[], out = "runs/bad"): Promise<{ code: number | null; message: string }> {
  const { code, stdout, stderr } = await runTrain(folder, [...args, "--out", out]);
  expect(stdout).toBe("");
  const lines = stderr.split("\n").filter((line) => line.startsWith("error: "));
  expect(lines, stderr).toHaveLength(1);
  expect(stderr).not.toMatch(/\n {4}at /);
  return { code, message: lines[0]!.slice("error: ".length) };
}

describe("asl-train with wrong arguments: one line, exit code 2, nothing started", () => {
  it.each([
    ["no data", [], /required option '--data <folder>' not specified/],
    [
      "no such folder",
      ["--data", "nowhere"],
      /--data: Expected an existing folder; there is nothing at this path; got "nowhere"\. \("emoji" generates pictures\)/,
    ],
    [
      "no annotations to be found",
      ["--data", "scenes/pictures", ...TINY],
      /scenes\/pictures: no annotations found \(looked for instances\*\.json .*\); name them with --annotations FILE/,
    ],
    [
      "a missing annotation file",
      ["--data", "scenes", "--annotations", "no.json"],
      /'--annotations <file>' argument 'no\.json' is invalid\. Expected an existing file/,
    ],
    [
      "an image size not a multiple of 4",
      ["--data", "emoji", "--image-size", "66"],
      /image size must be a multiple of 4.*got 66; nearest: 64 or 68/,
    ],
    [
      "an unknown backend",
      ["--data", "emoji", "--backend", "cuda"],
      /'cuda' is invalid\. Expected a backend, one of onnx, onnx-web, reference/,
    ],
    [
      "an unknown model",
      ["--data", "emoji", "--model", "resnet"],
      /'resnet' is invalid\. Expected one of tresnet_m, tresnet_l, tresnet_xl, tresnet_v2_l/,
    ],
    ["an option without sense", ["--data", "emoji", "--blocks", "2,2"], /Expected four whole numbers from 1 on/],
    [
      "validation pictures without annotations",
      [...SCENES, "--val-data", "scenes/pictures", ...TINY],
      /--val-data needs --val-annotations FILE/,
    ],
    [
      "annotations for generated pictures",
      ["--data", "emoji", "--val-annotations", "scenes/instances.json", ...TINY],
      /--val-annotations: --data emoji generates pictures and annotations; name a folder, or leave it out/,
    ],
    ["--load-backbone without weights", [...SCENES, "--load-backbone"], /--load-backbone: needs --weights CHECKPOINT/],
    [
      "a page of an inspection without one",
      [...SCENES, "--html", "x.html"],
      /--html: of the inspection; add --inspect/,
    ],
    [
      "a split of an instances file",
      [...SCENES, "--split", "train"],
      /COCO's JSON has no splits, but "train" is asked/,
    ],
    ["generated pictures beside a folder", [...SCENES, "--val-scenes", "3"], /--val-scenes: .* add --data emoji/],
  ])("%s", async (_, args, message) => {
    const result = await messageOf(args);
    expect(result.message).toMatch(message);
    expect(result.code).toBe(2);
    expect(existsSync(join(folder, "runs"))).toBe(false);
  });
});

describe("asl-train with input that does not fit: one line, exit code 1, no run begun", () => {
  const refuse = async (args: readonly string[], message: RegExp) => {
    const result = await messageOf([...TINY, ...args]);
    expect(result.message).toMatch(message);
    expect(result.code).toBe(1);
    expect(existsSync(join(folder, "runs"))).toBe(false);
  };

  it("annotations that name missing pictures", async () => {
    const file = changedAnnotations("missing.json", ({ images }) => {
      images![3]!.file_name = "gone.png";
    });
    await refuse(
      ["--data", "scenes/pictures", "--annotations", file],
      /1 of 16 pictures named in missing\.json are missing: gone\.png/,
    );
  });

  it("annotations of unknown categories", async () => {
    const file = changedAnnotations("unknown.json", ({ annotations }) => {
      annotations![0]!.category_id = 999;
    });
    await refuse(
      ["--data", "scenes/pictures", "--annotations", file],
      /unknown\.json: .*annotations\[0\]\.category_id = 999/,
    );
  });

  it("validation annotations of other classes than the training's", async () => {
    const file = changedAnnotations("other.json", ({ categories }) => {
      for (const category of categories!) category.name = `other ${String(category.name)}`;
    });
    await refuse(
      [...SCENES, "--val-data", "scenes/pictures", "--val-annotations", file],
      /other\.json: none of its 20 categories/,
    );
  });

  it("annotations that are no JSON", async () => {
    writeFileSync(join(folder, "text.json"), "hello");
    await refuse(["--data", "scenes/pictures", "--annotations", "text.json"], /text\.json: not valid JSON/);
  });

  it("fewer pictures than a batch", () =>
    refuse(
      [...SCENES, "--batch-size", "17"],
      /16 training pictures do not fill one batch of 17; use --batch-size 16 or less/,
    ));

  it("an empty checkpoint, and a checkpoint of another network", async () => {
    writeFileSync(join(folder, "empty.pth"), "");
    await refuse([...SCENES, "--weights", "empty.pth"], /empty\.pth: .*empty/);
    const tensors = initialize(tresnet({ blocks: [1, 1, 1, 1], planes: 8, basicStages: 2, classes: 20 }).state, 0);
    await writeOwn("wide.safetensors", tensors);
    await refuse([...SCENES, "--weights", "wide.safetensors"], /wide\.safetensors: does not fit the model.*misshapen/);
  });
});

describe("asl-train while it runs", () => {
  it("stops at a picture that cannot be decoded, or leaves it out and says so", async () => {
    mkdirSync(join(folder, "corrupt"));
    for (const name of readdirSync(join(folder, "scenes/pictures")))
      copyFileSync(join(folder, "scenes/pictures", name), join(folder, "corrupt", name));
    const [first] = readdirSync(join(folder, "corrupt"));
    writeFileSync(join(folder, "corrupt", first!), "this is text");
    const args = ["--data", "corrupt", "--annotations", "scenes/instances.json", ...TINY];
    const { code, message } = await messageOf(args, "runs/corrupt");
    expect([code, message]).toEqual([1, expect.stringContaining(first!)]);
    const skipped = await runTrain(folder, [...args, "--skip-corrupt", "--out", "runs/skipped"]);
    expect(skipped.code, skipped.stderr).toBe(0);
    expect(skipped.stderr).toMatch(new RegExp(`warning: .*${first}.*; left out`));
  });

  it("says step, picture and class of NaN in the logits", async () => {
    const start = initialize(tresnet({ blocks: [1, 1, 1, 1], planes: 4, basicStages: 2, classes: 20 }).state, 0);
    const bias = Float32Array.from(start["head.fc.bias"]!.data);
    bias[2] = Number.NaN;
    await writeOwn("nan.safetensors", { ...start, "head.fc.bias": f32([20], bias) });
    const { code, message } = await messageOf([...SCENES, ...TINY, "--weights", "nan.safetensors"], "runs/nan");
    expect(code).toBe(1);
    expect(message).toMatch(
      /^training step 1 \(epoch 1, batch 1\): logits is NaN for picture "[^"]+\.png", class "car"; every value must be finite/,
    );
    expect(existsSync(join(folder, "runs/nan/last.snapshot"))).toBe(false);
  });

  it.skipIf(!canMount())("on a full disk keeps the last snapshot (skipped where no tmpfs can be mounted)", async () => {
    const disk = join(folder, "small");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", disk]);
    try {
      const args = [...SCENES, ...TINY, "--schedule-epochs", "3", "--out", "small/run"];
      const first = await runTrain(folder, args);
      expect(first.code, first.stderr).toBe(0);
      const before = readFileSync(join(disk, "run/last.snapshot"));

      const { bavail, bsize } = statfsSync(disk);
      writeFileSync(join(disk, "filler"), Buffer.alloc(bavail * bsize - 24 * 1024));
      const more = [...args, "--epochs", "3", "--resume"];
      const full = await runTrain(folder, more);
      expect(full.code).toBe(1);
      expect(full.stderr).toMatch(/^error: small\/run\/\S+: cannot be written: the disk is full/m);
      expect(readFileSync(join(disk, "run/last.snapshot")).equals(before)).toBe(true);
      expect(readdirSync(join(disk, "run")).filter((name) => name.endsWith(".tmp"))).toEqual([]);

      rmSync(join(disk, "filler"));
      const resumed = await runTrain(folder, more);
      expect(resumed.code, resumed.stderr).toBe(0);
      const whole = await runTrain(folder, [...SCENES, ...TINY, "--epochs", "3", "--out", "runs/whole"]);
      expect(whole.code, whole.stderr).toBe(0);
      expect(readFileSync(join(disk, "run/steps.csv"), "utf8")).toBe(
        readFileSync(join(folder, "runs/whole/steps.csv"), "utf8"),
      );
    } finally {
      execFileSync("umount", [disk]);
    }
  });
});

async function writeOwn(name: string, tensors: ReturnType<typeof initialize>): Promise<void> {
  await writeCheckpoint(join(folder, name), {
    tensors,
    metadata: {
      model: { ...inspectTresnet(tensors), numClasses: 20 },
      classNames: emojiClassNames(20),
      thresholds: 0.5,
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

function canMount(): boolean {
  return process.platform === "linux" && process.getuid?.() === 0 && existsSync("/bin/mount");
}

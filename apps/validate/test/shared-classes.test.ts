import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectTresnet, writeCheckpoint } from "asl-checkpoint";
import { initialize, tresnet } from "asl-core";
import { generateEmojiScenes } from "asl-data";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runValidate } from "./run-command.js";

/** Named as COCO does; VOC has no zebra. */
const CLASSES = ["person", "zebra", "tv", "cat"];
const OBJECTS: readonly (readonly string[])[] = [["person", "tvmonitor"], ["tvmonitor*"], ["cat", "sofa"], ["person"]];

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "asl-validate-voc-"));
  const config = { blocks: [1, 1, 1, 1], planes: 2, basicStages: 2, classes: CLASSES.length } as const;
  const tensors = initialize(tresnet(config).state, 0);
  await writeCheckpoint(join(folder, "coco.safetensors"), {
    tensors,
    metadata: {
      model: { ...inspectTresnet(tensors), numClasses: CLASSES.length },
      classNames: CLASSES,
      thresholds: [0.1, 0.2, 0.3, 0.4],
      imageSize: 32,
      resizeFilter: "bilinear",
      recipe: {},
      step: 1,
      epoch: 1,
      metrics: {},
      weights: "regular",
    },
  });
  for (const name of ["JPEGImages", "Annotations", "ImageSets/Main"]) {
    mkdirSync(join(folder, "VOC2007", name), { recursive: true });
  }
  writeFileSync(join(folder, "VOC2007/ImageSets/Main/val.txt"), OBJECTS.map((_, index) => `00${index}\n`).join(""));
  const scenes = await generateEmojiScenes({ out: join(folder, "scenes"), split: "val", scenes: 4, imageSize: 32 });
  const pictures = readdirSync(scenes.pictures).sort();
  for (const [index, names] of OBJECTS.entries()) {
    copyFileSync(join(scenes.pictures, pictures[index]!), join(folder, `VOC2007/JPEGImages/00${index}.jpg`));
    const objects = names.map((name) => {
      const difficult = name.endsWith("*") ? 1 : 0;
      return `<object><name>${name.replace("*", "")}</name><difficult>${difficult}</difficult></object>`;
    });
    writeFileSync(join(folder, `VOC2007/Annotations/00${index}.xml`), `<annotation>${objects.join("")}</annotation>`);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ARGUMENTS = ["--data", "VOC2007", "--model", "coco.safetensors", "--workers", "0", "--batch-size", "2", "--json"];

describe("a model with COCO's names on a PASCAL-VOC tree", () => {
  it("is refused with the first difference and what to do", async () => {
    const { code, stderr } = await runValidate(folder, ARGUMENTS);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /The first difference is class 0: the annotations have "aeroplane", coco\.safetensors has "person"/,
    );
    expect(stderr).toContain("--classes-shared");
  });

  it("is measured on the shared classes with --aliases voc-coco --classes-shared, difficult objects left out", async () => {
    const { code, stdout, stderr } = await runValidate(folder, [
      ...ARGUMENTS,
      "--aliases",
      "voc-coco",
      "--classes-shared",
    ]);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("3 classes are shared; of the model 1 are left out, of the annotations 17");
    const report = JSON.parse(stdout);
    expect(Object.keys(report.classes)).toEqual(["person", "tv", "cat"]);
    expect(report).toMatchObject({ images: 4, threshold: [0.1, 0.3, 0.4] });
    const include = await runValidate(folder, [
      ...ARGUMENTS,
      "--aliases",
      "voc-coco",
      "--classes-shared",
      "--difficult",
      "include",
    ]);
    // all scores of untrained weights are nearly equal; a second positive moves the average precision of "tv" alone
    expect(JSON.parse(include.stdout).classes.tv).not.toBe(report.classes.tv);
    expect(JSON.parse(include.stdout).classes.cat).toBe(report.classes.cat);
  });
});

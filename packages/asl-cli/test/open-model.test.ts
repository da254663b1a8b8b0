import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { inspectTresnet, tresnetConfigOf, writeCheckpoint } from "asl-checkpoint";
import { initialize, sameType, tresnet } from "asl-core";
import { type Dataset, VOC_CLASSES } from "asl-data";
import { afterAll, describe, expect, it } from "vitest";
import {
  alignClasses,
  COCO_CLASSES,
  nameClasses,
  openModel,
  readAliases,
  readClassNames,
  sharedClasses,
  VOC_TO_COCO,
  writeFileAtomically,
} from "../src/index.js";

const TINY = resolve(fileURLToPath(import.meta.url), "../../../../fixtures/models/tresnet_tiny/checkpoint.pth");
const folder = mkdtempSync(join(tmpdir(), "asl-models-"));
afterAll(() => rmSync(folder, { recursive: true }));

const written = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe("openModel", () => {
  it("opens a PyTorch checkpoint: network, whole state, what is assumed", async () => {
    const opened = await openModel(TINY);
    expect(opened.config).toEqual({ blocks: [2, 2, 2, 1], planes: 8, basicStages: 2, classes: 20 });
    expect(Object.keys(opened.state)).toEqual(Object.keys(opened.model.state));
    for (const [name, { type }] of Object.entries(opened.model.state))
      expect(sameType(opened.state[name]!.type, type)).toBe(true);
    expect(opened).toMatchObject({ imageSize: 448, resizeFilter: "bicubic", thresholds: 0.8, metadata: null });
    expect(opened.notes.join("\n")).toContain("448 is assumed (--image-size)");
  });

  it("takes names, size, filter and thresholds from a checkpoint of this project; arguments replace them", async () => {
    const config = { blocks: [1, 1, 1, 1], planes: 2, basicStages: 2, classes: 2, headFeatures: 3 } as const;
    const tensors = initialize(tresnet(config).state, 0);
    const file = join(folder, "own.safetensors");
    await writeCheckpoint(file, {
      tensors,
      metadata: {
        model: { ...inspectTresnet(tensors), numClasses: 2 },
        classNames: ["cat", "dog"],
        thresholds: [0.4, 0.6],
        imageSize: 64,
        resizeFilter: "bilinear",
        recipe: {},
        step: 1,
        epoch: 1,
        metrics: {},
        weights: "ema",
      },
    });
    const opened = await openModel(file);
    expect(opened.config).toEqual(config);
    expect(opened).toMatchObject({
      classNames: ["cat", "dog"],
      classNamesFrom: "checkpoint",
      imageSize: 64,
      resizeFilter: "bilinear",
      thresholds: [0.4, 0.6],
    });
    const changed = await openModel(file, { imageSize: 96, classNames: ["Katze", "Hund"], weights: "ema" });
    expect(changed).toMatchObject({ classNames: ["Katze", "Hund"], classNamesFrom: "given", imageSize: 96 });
    await expect(openModel(file, { weights: "regular" })).rejects.toThrow(/holds the ema weights/);
  });

  it("refuses sizes and names that do not fit, and files that are no checkpoint", async () => {
    await expect(openModel(TINY, { imageSize: 66 })).rejects.toThrow(/multiple of 4.*got 66/);
    await expect(openModel(TINY, { classNames: ["cat"] })).rejects.toThrow(
      /the model has 20 classes, but the given list has 1 class names/,
    );
    await expect(openModel(join(folder, "missing.pth"))).rejects.toThrow(/missing\.pth/);
    await expect(openModel(written("empty.pth", ""))).rejects.toThrow(/empty\.pth: .*empty/);
  });

  it("names stages that TResNet does not have, and a missing head", () => {
    const architecture = inspectTresnet(
      initialize(tresnet({ blocks: [1, 1, 1, 1], planes: 2, basicStages: 0, classes: 2 }).state, 0),
    );
    expect(tresnetConfigOf("x", architecture).basicStages).toBe(0);
    expect(() => tresnetConfigOf("x", { ...architecture, numClasses: null })).toThrow(/x: has no head/);
    expect(() => tresnetConfigOf("x", { ...architecture, stages: ["bottleneck", "basic", "basic", "basic"] })).toThrow(
      /not supported/,
    );
  });
});

describe("class names", () => {
  it("are COCO's for 80 classes and numbers otherwise, unless given or stored", () => {
    expect(COCO_CLASSES).toHaveLength(80);
    expect([COCO_CLASSES[0], COCO_CLASSES[79]]).toEqual(["person", "toothbrush"]);
    expect(nameClasses(80, { file: "x", stored: null }).from).toBe("coco");
    expect(nameClasses(2, { file: "x", stored: null })).toEqual({ names: ["class 0", "class 1"], from: "numbered" });
    expect(nameClasses(1, { file: "x", stored: ["a"] })).toEqual({ names: ["a"], from: "checkpoint" });
    expect(nameClasses(1, { file: "x", stored: ["a"], given: ["b"] })).toEqual({ names: ["b"], from: "given" });
  });

  it("are read from lines or a JSON array", async () => {
    expect(await readClassNames(written("a.txt", "cat\r\n traffic light \n\n"))).toEqual(["cat", "traffic light"]);
    expect(await readClassNames(written("a.json", '["cat", "dog"]'))).toEqual(["cat", "dog"]);
    await expect(readClassNames(written("b.json", "[1]"))).rejects.toThrow(/expected a JSON array of class names/);
    await expect(readClassNames(written("b.txt", "\n"))).rejects.toThrow(/holds no class names/);
    await expect(readClassNames(written("c.txt", "cat\ncat"))).rejects.toThrow(/"cat" is there twice/);
  });
});

describe("alignClasses", () => {
  const dataset: Dataset = {
    classes: ["cat", "dog"],
    items: [
      { name: "1", file: "1", labels: [0] },
      { name: "2", file: "2", labels: [0, 1] },
    ],
  };
  const model = (classNames: readonly string[], classNamesFrom: "checkpoint" | "numbered" | "coco" = "checkpoint") => ({
    file: "m.pth",
    classNames,
    classNamesFrom,
  });

  it("leaves equal classes as they are and matches another order by name", () => {
    expect(alignClasses(dataset, model(["cat", "dog"]))).toEqual({ dataset, notes: [] });
    const aligned = alignClasses(dataset, model(["dog", "cat"]));
    expect(aligned.dataset.classes).toEqual(["dog", "cat"]);
    expect(Array.from(aligned.dataset.items, ({ labels }) => labels)).toEqual([[1], [0, 1]]);
    expect(aligned.notes).toHaveLength(1);
  });

  it("takes the annotations' names for a model without names, if there are as many", () => {
    expect(alignClasses(dataset, model(["class 0", "class 1"], "numbered")).dataset).toBe(dataset);
    expect(() => alignClasses(dataset, model(COCO_CLASSES, "coco"))).toThrow(
      "m.pth has 80 classes, the annotations have 2",
    );
  });

  it("names the classes that only one side has, the first that differs, and what to do", () => {
    const refused = (names: readonly string[], ...parts: readonly (string | RegExp)[]) => {
      for (const part of parts) expect(() => alignClasses(dataset, model(names))).toThrow(part);
    };
    refused(
      ["cat", "bird"],
      "only in the annotations: dog; only in the model: bird",
      'The first difference is class 1: the annotations have "dog", m.pth has "bird".',
      "--aliases FILE gives classes one name; --classes FILE",
    );
    refused(["cat", "dog", "bird"], /m\.pth has 3 classes, the annotations have 2.*only in the model: bird/);
    refused(["cat", "dog", "bird"], 'first difference is class 2: the annotations have none, m.pth has "bird"');
    refused(["Cat", "d-o-g"], '"cat = Cat" may be one class: --aliases FILE');
  });

  const voc: Dataset = {
    classes: ["cat", "cow", "tvmonitor"],
    items: [
      { name: "1", file: "1", labels: [0, 1, 2] },
      { name: "2", file: "2", labels: [1], unannotated: [2] },
      { name: "3", file: "3", labels: [], negatives: [0, 1] },
    ],
  };
  const coco = model(["tv", "cat", "zebra"]);
  const aliases = { tvmonitor: "tv" };

  it("aligns the classes that both have, aliases included; the model's others are unannotated", () => {
    const { dataset: aligned, notes } = alignClasses(voc, coco, { aliases, sharedOnly: true });
    expect(aligned.classes).toEqual(coco.classNames);
    expect([...aligned.items]).toEqual([
      { name: "1", file: "1", labels: [0, 1], unannotated: [2] },
      { name: "2", file: "2", labels: [], unannotated: [0, 2] },
      { name: "3", file: "3", labels: [], negatives: [1] },
    ]);
    expect(notes).toEqual(["2 classes are shared; of the model 1 are left out, of the annotations 1 (cow)"]);
    expect(sharedClasses(coco.classNames, voc.classes, { aliases })).toEqual([0, 1]);
    expect(() => alignClasses(voc, model(["rose"]), { sharedOnly: true })).toThrow("share no class");
  });

  it("takes two names for one class when the aliases say so, and refuses it of a model", () => {
    const merged = alignClasses(voc, model(["cat", "tv"]), { aliases: { ...aliases, cow: "cat" } });
    expect(Array.from(merged.dataset.items, ({ labels }) => labels)).toEqual([[0, 1], [0], []]);
    const both = model(["tv", "tvmonitor", "cat"]);
    expect(() => alignClasses(voc, both, { aliases })).toThrow('two of its classes are called "tv" by the aliases');
  });
});

describe("aliases", () => {
  it("are read from JSON or lines; VOC's names in COCO are built in", async () => {
    expect(await readAliases(undefined)).toBeUndefined();
    expect(await readAliases("voc-coco")).toBe(VOC_TO_COCO);
    for (const name of Object.values(VOC_TO_COCO)) expect(COCO_CLASSES).toContain(name);
    for (const name of Object.keys(VOC_TO_COCO)) expect(VOC_CLASSES).toContain(name);
    expect(VOC_CLASSES.map((name) => VOC_TO_COCO[name] ?? name).every((name) => COCO_CLASSES.includes(name))).toBe(
      true,
    );
    const expected = { tvmonitor: "tv", sofa: "couch" };
    expect(await readAliases(written("a.json", JSON.stringify(expected)))).toEqual(expected);
    expect(await readAliases(written("b.txt", "# names\ntvmonitor = tv\n\n sofa=couch\r\n"))).toEqual(expected);
  });

  it.each([
    ["a line without =", "tv\n", 'line 1: expected "name = canonical name"; found "tv"'],
    ["two names", "a = b\na = c", 'line 2: "a" is called "c" here and "b" before'],
    ["a chain", "a = b\nb = c", '"a" = "b", which is an alias itself'],
    ["a number", '{"a": 1}', '"a" must be a class name; found 1'],
    ["nothing", "\n", "holds no aliases"],
  ])("names what is wrong: %s", async (_, text, message) => {
    await expect(readAliases(written("wrong.txt", text))).rejects.toThrow(message);
  });
});

describe("writeFileAtomically", () => {
  it("writes text and bytes, and names the file it cannot write", async () => {
    await writeFileAtomically(join(folder, "a.txt"), "ü");
    expect(await readClassNames(join(folder, "a.txt"))).toEqual(["ü"]);
    await expect(writeFileAtomically(join(folder, "no", "a.txt"), Buffer.of(1))).rejects.toThrow(
      /no\/a\.txt: .*folder does not exist/,
    );
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "asl-core";
import { type Predictions, RUN_FILES, RunDirectoryError, savePredictions, validationReport } from "asl-training";
import { parseHTML } from "linkedom";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  classCurve,
  coOccurrenceErrors,
  html,
  overallCurve,
  pageData,
  type ReportData,
  readRunLogs,
  renderPage,
  reportData,
  runReport,
  scoreHistogram,
  validationPage,
  worstMistakes,
} from "../src/index.js";

const HOSTILE = '</script><img src="https://elsewhere.example/x" onerror="alert(1)">';

/** Rows: pictures; columns: cat, dog, a name that looks like markup, a class that nowhere is. */
const predictions: Predictions = {
  classNames: ["cat", "dog", HOSTILE, "unicorn"],
  pictures: ["a.png", "b.png", "c.png", "d.png"],
  scores: Float32Array.of(
    ...[0.9, 0.8, 0.1, 0.05],
    ...[0.7, 0.2, 0.6, 0.95],
    ...[0.1, 0.3, 0.4, 0.15],
    ...[0.6, 0.9, 0.2, 0.25],
  ),
  targets: Float32Array.of(...[1, 0, 0, 0], ...[1, 1, 1, 0], ...[0, 1, 0, -1], ...[1, 0, 0, 0]),
};
const half = () => 0.5;

describe("what a report counts", () => {
  it("precision and recall from the highest score down, equal scores as one point", () => {
    expect(classCurve(predictions, 0)).toEqual([
      { recall: 1 / 3, precision: 1 },
      { recall: 2 / 3, precision: 1 },
      { recall: 1, precision: 1 },
    ]);
    expect(classCurve(predictions, 1)).toEqual([
      { recall: 0, precision: 0 },
      { recall: 0, precision: 0 },
      { recall: 0.5, precision: 1 / 3 },
      { recall: 1, precision: 0.5 },
    ]);
    expect(classCurve(predictions, 3)).toEqual([]);
    const tied = { ...predictions, scores: new Float32Array(16).fill(0.5) };
    expect(classCurve(tied, 0)).toEqual([{ recall: 1, precision: 0.75 }]);
    expect(overallCurve(tied)).toEqual([{ recall: 1, precision: 6 / 15 }]);
  });

  it("a long curve keeps its ends and few of its points", () => {
    const count = 5000;
    const long: Predictions = {
      classNames: ["a"],
      pictures: Array.from({ length: count }, (_, i) => `${i}`),
      scores: Float32Array.from({ length: count }, (_, i) => 1 - i / count),
      targets: Float32Array.from({ length: count }, (_, i) => (i % 3 === 0 ? 1 : 0)),
    };
    const curve = classCurve(long, 0);
    expect(curve.length).toBeLessThanOrEqual(65);
    expect(curve[0]).toEqual({ recall: 1 / 1667, precision: 1 });
    expect(curve.at(-1)!.recall).toBe(1);
  });

  it("scores of what is there and of what is not, without what nobody looked for", () => {
    const { positives, negatives } = scoreHistogram(predictions);
    expect(positives.reduce((sum, count) => sum + count)).toBe(6);
    expect(negatives.reduce((sum, count) => sum + count)).toBe(9);
    expect(positives[Math.floor(Math.fround(0.9) * 20)]).toBe(1);
    expect(scoreHistogram({ ...predictions, scores: new Float32Array(16).fill(1) }).positives.at(-1)).toBe(6);
  });

  it("the worst mistakes, worst first, one of a kind a picture", () => {
    const { falsePositives, falseNegatives } = worstMistakes(predictions, half);
    expect(falsePositives.map(({ picture, className }) => [picture, className])).toEqual([
      ["b.png", "unicorn"],
      ["d.png", "dog"],
      ["a.png", "dog"],
    ]);
    expect(falseNegatives.map(({ picture, className }) => [picture, className])).toEqual([
      ["b.png", "dog"],
      ["c.png", "dog"],
    ]);
    expect(worstMistakes(predictions, half, 1).falsePositives).toHaveLength(1);
  });

  it("errors beside other classes: more than the class makes on all pictures", () => {
    // dog is wrongly found on both pictures with a cat and without a dog; there are no others without a dog
    const found = coOccurrenceErrors(predictions, half);
    expect(found).toContainEqual({
      ...{ shown: "dog", className: "unicorn", kind: "invented" },
      ...{ errors: 1, pictures: 1, expected: 1 / 3 },
    });
    expect(found.every(({ errors, expected }) => errors > expected)).toBe(true);
    expect(found.map(({ className, kind }) => `${className} ${kind}`)).not.toContain("dog invented");
  });
});

describe("runReport", () => {
  let folder = "";
  let page = "";
  let data: ReportData;
  const steps = [1, 2, 3, 4].map((step) => {
    const epoch = Math.ceil(step / 2);
    return [step, epoch, step, 100 / step, 1e-3 * step, "", 4 - 0.5 * step, step === 3 ? 0 : 0.1 * step, 0.9].join(",");
  });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "asl-report-"));
    const write = (file: keyof typeof RUN_FILES, text: string) => writeFileSync(join(folder, RUN_FILES[file]), text);
    write(
      "metrics",
      "epoch,step,loss,learning_rate,mAP,mAP_EMA,mAP_present,mAP_present_EMA,images_per_second,seconds\n" +
        "1,2,75,0.002,40,30,50,40,10,1\n2,4,29.2,0.004,60,55.5,70,65,10,2\n",
    );
    write("steps", `step,epoch,batch,loss,learning_rate,gradient_norm,gamma_neg,p_plus,p_minus\n${steps.join("\n")}\n`);
    write(
      "recipe",
      JSON.stringify({ recipe: { loss: "asl-adaptive", gammaNeg: 4 }, classNames: ["cat"], note: HOSTILE }),
    );
    await savePredictions(join(folder, RUN_FILES.predictionsEma), { ...predictions, thresholds: 0.5 });
    const pixels = sharp({ create: { width: 300, height: 200, channels: 3, background: "#336699" } });
    await pixels.png().toFile(join(folder, "b.png"));
    writeFileSync(join(folder, "c.png"), "no picture");
    page = await runReport(folder, { fileOf: (name) => (name === "d.png" ? undefined : join(folder, name)) });
    data = reportData(page);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("has every section", () => {
    const titles = [...page.matchAll(/<h2 id="[\w-]+">(.*?)<\/h2>/g)].map(([, title]) => title);
    expect(titles).toEqual([
      "Training",
      "Average precision by class",
      "Precision and recall",
      "Scores",
      "Errors that come with other classes",
      "Worst false positives",
      "Worst false negatives",
      "Recipe",
    ]);
    const charts = [...page.matchAll(/<figcaption>([^<]*)</g)].map(([, title]) => title);
    expect(charts).toEqual(
      expect.arrayContaining([
        "Training loss",
        "mAP, percent",
        "Balance of probabilities",
        "Learning rate",
        "Adaptive focusing of negatives",
        "Precision over recall",
        "Scores, percent of each group",
      ]),
    );
  });

  it("has the run's numbers", () => {
    expect(data.training?.epochs).toEqual([
      { epoch: 1, step: 2, loss: 75, mAP: 40, mAPEma: 30 },
      { epoch: 2, step: 4, loss: 29.2, mAP: 60, mAPEma: 55.5 },
    ]);
    expect(data.training?.steps.map(({ gammaNeg }) => gammaNeg)).toEqual([3.5, 3, 2.5, 2]);
    // a step without positives says nothing about them
    expect(data.training?.steps.map(({ pPositive }) => pPositive)).toEqual([0.1, 0.2, null, 0.4]);
    expect(page).toContain(
      'aria-label="mAP, percent. regular weights: 60 at epoch 2; averaged weights: 55.5 at epoch 2"',
    );
  });

  it("has the figures of the validation, at the threshold that the predictions have", () => {
    const { classes, mAP, CF1 } = validationReport(predictions, 0.5);
    expect(data.validation?.metrics).toMatchObject({ mAP, CF1, threshold: 0.5, images: 4 });
    expect(data.validation?.classes.map(({ name, ap, positives }) => [name, ap, positives])).toEqual([
      ["cat", classes.cat, 3],
      [HOSTILE, classes[HOSTILE], 1],
      ["dog", classes.dog, 2],
      ["unicorn", 0, 0],
    ]);
    expect(page).toContain(`<dd class="value">${mAP.toFixed(2)}</dd>`);
  });

  it("shows the pictures that can be read, small, and names the others", async () => {
    const [first, ...others] = data.validation!.falsePositives;
    expect(first).toMatchObject({ picture: "b.png", className: "unicorn", truth: ["cat", "dog", HOSTILE] });
    const { width, height, format } = await sharp(Buffer.from(first!.image!.split(",")[1]!, "base64")).metadata();
    expect({ width, height, format }).toEqual({ width: 160, height: 107, format: "jpeg" });
    expect(others.map(({ image }) => image)).toEqual([null, null]);
    expect(page).toContain('<span class="name">d.png</span>');
  });

  it("shows names that look like markup as text", () => {
    const { document } = parseHTML(page);
    const names = Array.from(document.querySelectorAll(".classes th[scope=row]")).map(({ textContent }) => textContent);
    expect(names).toContain(HOSTILE);
    const withHandlers = Array.from(document.querySelectorAll("*")).filter((element) =>
      Array.from(element.attributes).some(({ name }) => name.startsWith("on")),
    );
    expect(withHandlers).toEqual([]);
  });

  it("needs no other file and no network", () => {
    const { document } = parseHTML(page);
    const addresses = ["src", "href", "action", "data", "srcset"].flatMap((name) =>
      Array.from(document.querySelectorAll(`[${name}]`)).map((element) => element.getAttribute(name)),
    );
    expect(addresses.length).toBeGreaterThan(1);
    for (const address of addresses) expect(address).toMatch(/^data:/);
    const scripts = Array.from(document.querySelectorAll("script")).map(({ type }) => type);
    expect(scripts).toEqual(["application/json"]);
    for (const { textContent } of Array.from(document.querySelectorAll("style")))
      expect(textContent).not.toMatch(/@import|url\(/);
  });

  it("of a folder that is none says so, and that its figures are not those of another page", async () => {
    const missing = join(folder, "missing");
    await expect(runReport(missing)).rejects.toThrow(RunDirectoryError);
    await expect(runReport(missing)).rejects.toThrow(
      `${missing}: there is no such folder. Name the folder of a training run`,
    );
    await expect(readRunLogs(join(folder, "b.png"))).rejects.toThrow("this is a file, not a folder");
    const other = renderPage({ title: "other", body: html`<p>none</p>`, data: { rows: [] } });
    expect(pageData(other)).toEqual({ rows: [] });
    expect(() => reportData(other)).toThrow(InputError);
  });

  it("fails for what is there but cannot be read", async () => {
    const broken = mkdtempSync(join(tmpdir(), "asl-report-"));
    try {
      mkdirSync(join(broken, RUN_FILES.steps));
      await expect(runReport(broken)).rejects.toThrow(/EISDIR/);
    } finally {
      rmSync(broken, { recursive: true, force: true });
    }
  });

  it("of a run without validation says so, and one without a step too", async () => {
    const early = mkdtempSync(join(tmpdir(), "asl-report-"));
    try {
      const nothing = await runReport(early);
      expect(nothing).toContain("No step is logged yet.");
      expect(nothing).toContain("No validation yet");
      expect(reportData(nothing)).toEqual({ training: { epochs: [], steps: [], recipe: null }, validation: null });
    } finally {
      rmSync(early, { recursive: true, force: true });
    }
  });
});

describe("validationPage", () => {
  it("is the same without the training, at a threshold for each class", async () => {
    const page = await validationPage(predictions, [0.5, 0.95, 0.5, 0.99], { title: `Validation of ${HOSTILE}` });
    const { training, validation } = reportData(page);
    expect(training).toBeNull();
    expect(validation?.falsePositives).toEqual([]);
    expect(page).toContain("each class at its own threshold");
    expect(page).not.toContain('<h2 id="training">');
  });

  it("of very many classes shows the best and the worst", async () => {
    const count = 300;
    const many: Predictions = {
      classNames: Array.from({ length: count }, (_, label) => `class ${label}`),
      pictures: ["a", "b"],
      scores: Float32Array.from({ length: 2 * count }, (_, i) => (i % 97) / 97),
      targets: Float32Array.from({ length: 2 * count }, (_, i) => (i < count ? 1 : 0)),
    };
    const page = await validationPage(many, 0.5, { title: "many" });
    expect(page).toContain("180 in between are left out");
    expect([...page.matchAll(/<tr><th scope="row">class \d+<\/th><td><span class="bar">/g)]).toHaveLength(120);
  });
});

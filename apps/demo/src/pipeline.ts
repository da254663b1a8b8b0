import { readFile } from "node:fs/promises";
import path from "node:path";
import { type CommandContext, formatDuration, writeFileAtomically } from "asl-cli";
import { type ChildCommand, runChild, typed } from "./child-command.js";
import { buildReport } from "./page/build-report.js";
import { renderPage } from "./page/page.js";
import type { DemoRecipe } from "./recipe.js";
import {
  type ExportResult,
  type InferenceResult,
  parseJson,
  parseJsonLines,
  parseMetrics,
  type ValidationResult,
} from "./results.js";
import { prepareRunFolder, type RunFolder, type RunStart, runFolder, writeRecord } from "./run-folder.js";
import { generateScenes } from "./scenes.js";
import { type DemoSummary, summaryTable } from "./summary.js";

export interface DemoOptions {
  readonly recipe: DemoRecipe;
  /** The folder for everything that the demo makes. */
  readonly out: string;
}

/** Pictures of each validation set on the page, as the pattern of their file names "000001.png". */
const SHOWN = { val: "0000[0-3]*", heldOut: "0000[0-1]*" } as const;

/** The whole path: scenes, train, validate, infer, export, page. Throws the signal's reason when interrupted. */
export async function runDemo({ recipe, out }: DemoOptions, context: CommandContext): Promise<DemoSummary> {
  const { report } = context;
  const folder = runFolder(out);
  const start = await prepareRunFolder(folder, recipe);
  for (const line of startLines(start, folder)) report.note(line);

  const before = start.kind === "resumed" ? start.seconds : 0;
  const began = performance.now();
  const seconds = () => before + (performance.now() - began) / 1000;
  let complete = false;
  await writeRecord(folder, { recipe, complete, seconds: before });
  try {
    const summary = await new Demo(recipe, folder, context).run(seconds);
    await writeFileAtomically(folder.summary, `${JSON.stringify(summary, null, 2)}\n`);
    complete = true;
    report.print(`\n${summaryTable(summary)}\n\npictures and curves: ${folder.page}\nfigures: ${folder.summary}`);
    return summary;
  } catch (error) {
    if (context.signal.aborted)
      report.note(`stopped. The same command goes on from here; ${folder.root} keeps the rest.`);
    throw error;
  } finally {
    await writeRecord(folder, { recipe, complete, seconds: seconds() });
  }
}

function startLines(start: RunStart, { root }: RunFolder): readonly string[] {
  switch (start.kind) {
    case "new":
      return [];
    case "resumed":
      return [
        `${root} holds an interrupted run with the same settings: going on with it (${formatDuration(start.seconds)} spent so far)`,
      ];
    case "again":
      return [
        `${root} holds a run (${start.because === "complete" ? "complete" : "with other settings"}): it is replaced; the scenes are kept where they fit`,
      ];
  }
}

class Demo {
  readonly #recipe: DemoRecipe;
  readonly #folder: RunFolder;
  readonly #context: CommandContext;
  readonly #commands: string[] = [];

  constructor(recipe: DemoRecipe, folder: RunFolder, context: CommandContext) {
    this.#recipe = recipe;
    this.#folder = folder;
    this.#context = context;
  }

  async run(seconds: () => number): Promise<DemoSummary> {
    const recipe = this.#recipe;
    const folder = this.#folder;
    const { report, signal } = this.#context;
    this.#step(1, "emoji scenes");
    const scenes = await generateScenes(recipe, folder, report, signal);
    report.print(
      `${scenes.train.scenes} training scenes, ${scenes.val.scenes} unseen scenes, ` +
        `${scenes.heldOut.scenes} scenes of the icon family ${recipe.heldOutFamily}, which training never shows`,
    );

    this.#step(2, "train");
    await this.#show("train", this.#trainArguments());
    const training = parseJson<{ imagesPerSecond: number }>(
      await readFile(path.join(folder.training, "summary.json"), "utf8").then(oneLine),
      `${folder.training}/summary.json`,
      ["imagesPerSecond"],
    );
    const metrics = parseMetrics(await readFile(path.join(folder.training, "metrics.csv"), "utf8"));

    this.#step(3, "validate on unseen scenes and on the held-out icons");
    const unseen = await this.#validate(folder.scenes.val);
    const heldOut = await this.#validate(folder.scenes.heldOut);

    this.#step(4, "tag one picture");
    const picture = path.join(picturesOf(folder.scenes.val), pictureName(recipe, 7));
    await this.#show("infer", [picture, ...this.#checkpoint(), "--save-annotated", folder.tagged]);

    this.#step(5, "export to ONNX and check the file");
    const { maxError, bound } = await this.#export(picture);

    this.#step(6, "the page");
    const shown = [
      path.posix.join(picturesOf(folder.scenes.val), SHOWN.val),
      path.posix.join(picturesOf(folder.scenes.heldOut), SHOWN.heldOut),
    ];
    const results = await this.#ask("infer", [...shown, ...this.#checkpoint(), "--json", "--quiet"]);
    const summary: DemoSummary = {
      mAP: unseen.mAP,
      mAPHeldOutFamily: heldOut.mAP,
      CF1: unseen.CF1,
      seconds: seconds(),
      imagesPerSecond: training.imagesPerSecond,
      onnxMaxError: maxError,
    };
    const inferences = parseJsonLines<InferenceResult>(results, "infer --json", ["image", "labels", "scores"]);
    const commands = this.#commands;
    const material = { recipe, scenes, summary, onnxBound: bound, unseen, heldOut, metrics, inferences, commands };
    await writeFileAtomically(folder.page, renderPage(await buildReport(material)));
    return summary;
  }

  #trainArguments(): readonly string[] {
    const { imageSize, seed, training } = this.#recipe;
    const { scenes, training: out } = this.#folder;
    return [
      ...["--data", picturesOf(scenes.train), "--annotations", annotationsOf(scenes.train)],
      ...["--val-data", picturesOf(scenes.val), "--val-annotations", annotationsOf(scenes.val)],
      ...["--image-size", String(imageSize), "--seed", String(seed)],
      ...optionArguments(training),
      ...["--out", out],
      "--resume",
    ];
  }

  async #validate(scenes: string): Promise<ValidationResult> {
    const data = ["--data", picturesOf(scenes), "--annotations", annotationsOf(scenes)];
    const output = await this.#ask("validate", [...data, ...this.#checkpoint(), "--json"]);
    const result = parseJson<ValidationResult>(output, "validate --json", ["mAP", "CF1", "threshold", "classes"]);
    this.#context.report.print(`mAP ${result.mAP.toFixed(2)}, CF1 ${result.CF1.toFixed(2)}`);
    return result;
  }

  /** Exports, which checks the file at three batch sizes, then tags a picture with file and checkpoint. */
  async #export(picture: string): Promise<ExportResult> {
    const { report } = this.#context;
    const output = await this.#ask("export", [...this.#checkpoint(), "--out", this.#folder.onnx, "--json"]);
    const result = parseJson<ExportResult>(output, "export --json", ["maxError", "bound"]);
    report.print(
      `largest difference of a logit ${result.maxError.toExponential(2)}, bound ${result.bound.toExponential(2)}`,
    );
    await this.#show("infer", [picture, "--model", this.#folder.onnx]);
    return result;
  }

  #checkpoint(): readonly string[] {
    const file = this.#recipe.weights === "ema" ? "best-ema.safetensors" : "best.safetensors";
    return ["--model", path.join(this.#folder.training, file)];
  }

  #step(number: number, title: string): void {
    this.#context.report.print(`\n${number}/6  ${title}`);
  }

  async #show(app: ChildCommand["app"], args: readonly string[]): Promise<void> {
    this.#announce({ app, args });
    await runChild({ app, args }, { signal: this.#context.signal });
  }

  async #ask(app: ChildCommand["app"], args: readonly string[]): Promise<string> {
    this.#announce({ app, args });
    return runChild({ app, args }, { signal: this.#context.signal, output: "return" });
  }

  #announce(command: ChildCommand): void {
    const line = typed(command);
    this.#commands.push(line);
    this.#context.report.print(`$ ${line}`);
  }
}

/** What generateEmojiScenes puts into its folder. */
const picturesOf = (scenes: string) => path.join(scenes, "pictures");
const annotationsOf = (scenes: string) => path.join(scenes, "instances.json");

/** { lr: 0.004, cutout: true } -> --lr 0.004 --cutout; false leaves an option out. */
function optionArguments(options: Readonly<Record<string, string | number | boolean>>): readonly string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === false) return [];
    return value === true ? [`--${name}`] : [`--${name}`, String(value)];
  });
}

/** Scenes are numbered from 1; the larger ones are JPEG. */
function pictureName({ imageSize }: DemoRecipe, number: number): string {
  return `${String(number).padStart(6, "0")}.${imageSize > 128 ? "jpg" : "png"}`;
}

const oneLine = (text: string) => text.replaceAll(/\s*\n\s*/g, " ");

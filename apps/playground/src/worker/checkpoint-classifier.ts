import {
  type Checkpoint,
  checkpointBytes,
  inspectTresnet,
  type JsonObject,
  matchState,
  readCheckpointBytes,
  tresnetConfigOf,
} from "asl-checkpoint/browser";
import {
  type Backend,
  checkImageSize,
  f32,
  initialize,
  type Model,
  type Session,
  type TensorData,
  type Tensors,
  type TresnetConfig,
  tresnet,
} from "asl-core";
import { compileOn } from "./backends.js";
import { type Classifier, DEFAULTS, sigmoid } from "./classifier.js";
import { backboneProgram, backboneState, headProgram, headState } from "./head.js";
import { teach } from "./lesson.js";
import type { BackendChoice, BackendState, Lesson, ModelAbout, ModelFile } from "./protocol.js";

/** A head and what it knows: replaced by a lesson, brought back by undo. */
interface Knowledge {
  readonly config: TresnetConfig;
  readonly classNames: readonly string[];
  readonly thresholds: number | readonly number[];
  readonly head: Tensors;
}

/** A TResNet in two sessions, so that a lesson compiles and moves the head only. */
interface Sessions {
  readonly backbone: Session<"features">;
  readonly head: Session<"logits">;
}

/** A classifier from a checkpoint: .safetensors or .pth, official or timm names. */
export async function openCheckpointClassifier(
  { name, bytes }: ModelFile,
  choice: BackendChoice,
  onStage: (stage: string) => void,
): Promise<Classifier> {
  const checkpoint = await readCheckpointBytes(new Uint8Array(bytes), name);
  const config = tresnetConfigOf(name, checkpoint.architecture ?? inspectTresnet(checkpoint.tensors, name));
  const model = tresnet(config);
  const types = Object.fromEntries(Object.entries(model.state).map(([key, { type }]) => [key, type]));
  const { tensors } = matchState(types, checkpoint.tensors, { file: name });
  checkImageSize(checkpoint.metadata?.imageSize ?? DEFAULTS.imageSize);
  const classifier = new CheckpointClassifier(name, checkpoint, config, tensors);
  onStage("Preparing the network");
  await classifier.use(choice);
  return classifier;
}

const pick = (tensors: Tensors, names: object): Tensors =>
  Object.fromEntries(Object.keys(names).map((name) => [name, tensors[name]!]));

class CheckpointClassifier implements Classifier {
  readonly #file: string;
  readonly #checkpoint: Checkpoint;
  readonly #backbone: Tensors;
  readonly #history: Knowledge[] = [];
  #lessons: JsonObject[] = [];
  #knowledge: Knowledge;
  #sessions: Sessions | undefined;
  #backend: Backend | undefined;
  #state: BackendState | undefined;

  constructor(file: string, checkpoint: Checkpoint, config: TresnetConfig, tensors: Tensors) {
    const model = tresnet(config);
    this.#file = file;
    this.#checkpoint = checkpoint;
    this.#backbone = pick(tensors, backboneState(model));
    this.#knowledge = {
      config,
      classNames: checkpoint.classNames ?? Array.from({ length: config.classes }, (_, index) => `class ${index}`),
      thresholds: checkpoint.metadata?.thresholds ?? DEFAULTS.thresholds,
      head: pick(tensors, headState(model)),
    };
  }

  get about(): ModelAbout {
    const { metadata, architecture, classNames: named, notes } = this.#checkpoint;
    const { config, classNames, thresholds } = this.#knowledge;
    const variant = architecture?.variant ?? "custom";
    return {
      file: this.#file,
      architecture: variant === "custom" ? `TResNet ${config.blocks.join("-")}, ${config.planes} planes` : variant,
      ...{ classNames, thresholds, fixed: null },
      imageSize: this.#imageSize,
      resizeFilter: metadata?.resizeFilter ?? DEFAULTS.resizeFilter,
      notes: [
        ...notes,
        ...(named === null ? ["The file names no classes."] : []),
        ...(metadata === null ? [`The file says no picture size: ${this.#imageSize} px is assumed.`] : []),
      ],
    };
  }

  get backend(): BackendState {
    return this.#state!;
  }

  get #imageSize(): number {
    return this.#checkpoint.metadata?.imageSize ?? DEFAULTS.imageSize;
  }

  async use(choice: BackendChoice): Promise<BackendState> {
    const { result, state } = await compileOn(choice, (backend) => this.#compile(backend));
    await this.#release();
    ({ sessions: this.#sessions, backend: this.#backend } = result);
    this.#state = state;
    return state;
  }

  async score(images: TensorData) {
    const { features } = await this.#sessions!.backbone.run("features", { images });
    const data = Float32Array.from(features!.data);
    return { features: data, scores: await this.rescore(data) };
  }

  async rescore(features: Float32Array): Promise<readonly number[]> {
    const feeds = { features: f32([1, features.length], features) };
    const { logits } = await this.#sessions!.head.run("logits", feeds);
    return Array.from(logits!.data, sigmoid);
  }

  async tune(
    lesson: Lesson,
    features: readonly Float32Array[],
    onStep: (step: number, loss: number) => void,
    signal: AbortSignal,
  ): Promise<readonly number[]> {
    const before = this.#knowledge;
    const wider = withClasses(before, lesson.labels);
    const model = tresnet(wider.config);
    const { head, losses } = await teach({
      ...{ backend: this.#backend!, model, head: wider.head, classNames: wider.classNames },
      ...{ lesson, features, onStep, signal },
    });
    this.#history.push(before);
    const about = { labels: lesson.labels, pictures: lesson.examples.length, steps: losses.length };
    this.#lessons.push({ ...about, loss: "exact asymmetric loss", trained: "head" });
    await this.#become({ ...wider, head });
    return losses;
  }

  async undo(): Promise<void> {
    const before = this.#history.pop();
    if (before === undefined) return;
    this.#lessons = this.#lessons.slice(0, -1);
    await this.#become(before);
  }

  async save(): Promise<ModelFile> {
    const { metadata } = this.#checkpoint;
    const { classNames, thresholds, head } = this.#knowledge;
    const tensors = { ...this.#backbone, ...head };
    const name = `${this.#file.replace(/\.(safetensors|pth|pt)$/i, "")}-tuned.safetensors`;
    const { buffer } = await checkpointBytes(name, {
      tensors,
      metadata: {
        ...{ classNames, thresholds, imageSize: this.#imageSize },
        model: { ...inspectTresnet(tensors, name), numClasses: classNames.length },
        resizeFilter: metadata?.resizeFilter ?? DEFAULTS.resizeFilter,
        recipe: { ...metadata?.recipe, lessons: this.#lessons },
        step: metadata?.step ?? 0,
        epoch: metadata?.epoch ?? 0,
        // Those of the head before the lesson say nothing about this one.
        metrics: {},
        weights: metadata?.weights ?? "regular",
      },
    });
    return { name, bytes: buffer };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#release();
  }

  async #compile(backend: Backend): Promise<{ sessions: Sessions; backend: Backend }> {
    const model = tresnet(this.#knowledge.config);
    const features = backboneProgram(model, this.#imageSize);
    const backbone = await backend.compile(backboneState(model), { features });
    await backbone.write(this.#backbone);
    // The first run prepares more than later ones, and shows what the backend cannot do.
    const size = this.#imageSize;
    await backbone.run("features", { images: f32([1, 3, size, size], new Float32Array(3 * size * size)) });
    return { backend, sessions: { backbone, head: await this.#compileHead(backend, model) } };
  }

  async #compileHead(backend: Backend, model: Model): Promise<Session<"logits">> {
    const head = await backend.compile(headState(model), { logits: headProgram(model) });
    await head.write(this.#knowledge.head);
    return head;
  }

  async #become(knowledge: Knowledge): Promise<void> {
    const { head: old, backbone } = this.#sessions!;
    this.#knowledge = knowledge;
    this.#sessions = { backbone, head: await this.#compileHead(this.#backend!, tresnet(knowledge.config)) };
    await old[Symbol.asyncDispose]();
  }

  async #release(): Promise<void> {
    await this.#sessions?.backbone[Symbol.asyncDispose]();
    await this.#sessions?.head[Symbol.asyncDispose]();
  }
}

/** A new label starts unlikely: sigmoid(bias) = 0.1. */
const NEW_BIAS = Math.log(0.1 / 0.9);

/** The head with a row for each label that it does not know yet. */
function withClasses(knowledge: Knowledge, labels: readonly string[]): Knowledge {
  const added = labels.filter((label) => !knowledge.classNames.includes(label));
  if (added.length === 0) return knowledge;
  const { thresholds } = knowledge;
  const classNames = [...knowledge.classNames, ...added];
  const config = { ...knowledge.config, classes: classNames.length };
  const fresh = initialize(headState(tresnet(config)), classNames.length);
  const head = Object.fromEntries(
    Object.entries(fresh).map(([name, { type, data }]) => {
      const old = knowledge.head[name]!.data;
      const grown = Float32Array.from(data);
      if (name.endsWith(".bias")) grown.fill(NEW_BIAS);
      grown.set(old);
      return [name, { type, data: grown }];
    }),
  );
  const extended = typeof thresholds === "number" ? thresholds : [...thresholds, ...added.map(() => 0.5)];
  return { config, classNames, head, thresholds: extended };
}

import { f32, InputError } from "asl-core";
import { toTensor } from "asl-data/picture";
import { resize } from "asl-data/resize";
import { expose } from "comlink";
import { openCheckpointClassifier } from "./checkpoint-classifier.js";
import type { Classifier } from "./classifier.js";
import { decode } from "./decode.js";
import { openOnnxClassifier } from "./onnx-classifier.js";
import type { ModelWorker, PictureId, TuneOutcome } from "./protocol.js";

let classifier: Classifier | undefined;
let tuning: AbortController | undefined;
const features = new Map<PictureId, Float32Array>();

const loaded = (): Classifier => {
  if (classifier === undefined) throw new InputError("no model is loaded");
  return classifier;
};

async function outcome(losses: readonly number[]): Promise<TuneOutcome> {
  const scores: (readonly [PictureId, readonly number[]])[] = [];
  for (const [id, row] of features) scores.push([id, await loaded().rescore(row)]);
  return { about: loaded().about, losses, scores };
}

const worker: ModelWorker = {
  async open(file, choice, onStage) {
    onStage("Reading the file");
    if (file.bytes.byteLength === 0) throw new InputError(`${file.name}: the file is empty (0 bytes)`);
    classifier = file.name.toLowerCase().endsWith(".onnx")
      ? await openOnnxClassifier(file)
      : await openCheckpointClassifier(file, choice, onStage);
    return { about: classifier.about, backend: classifier.backend };
  },

  use: (choice) => loaded().use(choice),

  async tag(id, source) {
    const { about } = loaded();
    const started = performance.now();
    const picture = await decode(source);
    const decoded = performance.now();
    const { imageSize, resizeFilter } = about;
    const pixels = new Float32Array(3 * imageSize * imageSize);
    toTensor(resize(picture, imageSize, imageSize, resizeFilter), pixels);
    const resized = performance.now();
    const result = await loaded().score(f32([1, 3, imageSize, imageSize], pixels));
    const done = performance.now();
    if (result.features.length > 0) features.set(id, result.features);
    const timing = { decode: decoded - started, resize: resized - decoded, run: done - resized };
    return { width: picture.width, height: picture.height, scores: result.scores, timing };
  },

  forget(id) {
    features.delete(id);
  },

  async tune(lesson, onStep) {
    const rows = lesson.examples.map(({ picture }) => {
      const row = features.get(picture);
      if (row === undefined) throw new InputError("a picture of the lesson was not tagged yet");
      return row;
    });
    tuning = new AbortController();
    return outcome(await loaded().tune(lesson, rows, onStep, tuning.signal));
  },

  cancel() {
    tuning?.abort(new Error("cancelled"));
  },

  async undo() {
    await loaded().undo();
    return outcome([]);
  },

  save: () => loaded().save(),
};

expose(worker);

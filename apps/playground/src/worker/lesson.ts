import { adamFeeds, adamSlots, type Backend, f32, type Model, oneCycle, sizeOf, type Tensors } from "asl-core";
import { headState, lastLayer, lessonProgram, lessonState } from "./head.js";
import { type Normalisation, normalisationOf, normalised, withoutNormalisation } from "./normalisation.js";
import type { Lesson } from "./protocol.js";

export interface LessonInput {
  readonly backend: Backend;
  /** Of the taught head: it has all labels already. */
  readonly model: Model;
  readonly head: Tensors;
  readonly classNames: readonly string[];
  readonly lesson: Lesson;
  /** [F] of each example. */
  readonly features: readonly Float32Array[];
  readonly onStep: (step: number, loss: number) => void;
  readonly signal: AbortSignal;
}

const MAX_LEARNING_RATE = 0.02;

/**
 * Trains the last layer on all examples at once, one-cycle. The rows of labels that are not taught keep their bits.
 * Throws what `signal` was aborted with.
 */
export async function teach(input: LessonInput): Promise<{ readonly head: Tensors; readonly losses: number[] }> {
  const { backend, model, head, lesson, features, onStep, signal } = input;
  const names = namesOf(model);
  const normalisation = normalisationOf(features);
  await using session = await backend.compile(lessonState(model), { step: lessonProgram(model, features.length) });
  const start = normalised({ weight: head[names.weight]!, bias: head[names.bias]! }, normalisation);
  await session.write({ [names.weight]: start.weight, [names.bias]: start.bias, ...zeroSlots(model) });
  const feeds = { features: matrixOf(features, normalisation), targets: targetsOf(input) };
  const losses: number[] = [];
  for (let step = 0; step < lesson.steps; step++) {
    const cycle = oneCycle(step, { maxLearningRate: MAX_LEARNING_RATE, totalSteps: lesson.steps });
    const { loss } = await session.run("step", { ...feeds, ...adamFeeds({ ...cycle, step: step + 1 }) });
    losses.push(loss!.data[0]!);
    onStep(step, loss!.data[0]!);
    await messages();
    signal.throwIfAborted();
  }
  const end = await session.read([names.weight, names.bias]);
  const learnt = withoutNormalisation({ weight: end[names.weight]!, bias: end[names.bias]! }, normalisation);
  return { head: taughtRows(input, { [names.weight]: learnt.weight, [names.bias]: learnt.bias }), losses };
}

const namesOf = (model: Model) => ({ weight: `${lastLayer(model)}.weight`, bias: `${lastLayer(model)}.bias` });

/** [N,F], normalised. */
function matrixOf(features: readonly Float32Array[], { mean, scale }: Normalisation) {
  const width = mean.length;
  const matrix = new Float32Array(features.length * width);
  features.forEach((row, i) => {
    for (let j = 0; j < width; j++) matrix[i * width + j] = (row[j]! - mean[j]!) / scale;
  });
  return f32([features.length, width], matrix);
}

/** 1 and 0 for taught labels, -1 (no loss) for all others. */
function targetsOf({ classNames, lesson }: LessonInput) {
  const { examples, labels } = lesson;
  const targets = new Float32Array(examples.length * classNames.length).fill(-1);
  examples.forEach((example, row) => {
    classNames.forEach((name, column) => {
      if (labels.includes(name)) targets[row * classNames.length + column] = Number(example.labels.includes(name));
    });
  });
  return f32([examples.length, classNames.length], targets);
}

const zeroSlots = (model: Model): Tensors =>
  Object.fromEntries(
    Object.entries(adamSlots(headState(model))).map(([name, { type }]) => [
      name,
      f32(type.shape, new Float32Array(sizeOf(type.shape))),
    ]),
  );

/** The head before, with the learnt rows of the taught labels. */
function taughtRows({ head, classNames, lesson }: LessonInput, learnt: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(head).map(([name, { type, data }]) => {
      const row = data.length / classNames.length;
      const mixed = Float32Array.from(data);
      classNames.forEach((label, index) => {
        if (!lesson.labels.includes(label)) return;
        mixed.set(learnt[name]!.data.subarray(index * row, (index + 1) * row), index * row);
      });
      return [name, f32(type.shape, mixed)];
    }),
  );
}

/** Lets messages in, such as a cancellation. */
const messages = () => new Promise<void>((resolve) => setTimeout(resolve));

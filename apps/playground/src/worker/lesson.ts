import { adamFeeds, adamSlots, type Backend, f32, type Model, oneCycle, type Tensors } from "asl-core";
import { headState, lessonProgram, lessonState } from "./head.js";
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

/** Trains the head on all examples at once, one-cycle. Throws what `signal` was aborted with. */
export async function teach(input: LessonInput): Promise<{ readonly head: Tensors; readonly losses: number[] }> {
  const { backend, model, head, lesson, features, onStep, signal } = input;
  const pictures = lesson.examples.length;
  await using session = await backend.compile(lessonState(model), { step: lessonProgram(model, pictures) });
  await session.write({ ...head, ...zeros(adamSlots(headState(model))) });
  const width = features[0]!.length;
  const matrix = new Float32Array(pictures * width);
  features.forEach((row, i) => {
    matrix.set(row, i * width);
  });
  const feeds = { features: f32([pictures, width], matrix), targets: targetsOf(input) };
  const losses: number[] = [];
  for (let step = 0; step < lesson.steps; step++) {
    const cycle = oneCycle(step, { maxLearningRate: MAX_LEARNING_RATE, totalSteps: lesson.steps });
    const { loss } = await session.run("step", { ...feeds, ...adamFeeds({ ...cycle, step: step + 1 }) });
    losses.push(loss!.data[0]!);
    onStep(step, loss!.data[0]!);
    await messages();
    signal.throwIfAborted();
  }
  return { head: await session.read(Object.keys(headState(model))), losses };
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

const zeros = (spec: ReturnType<typeof adamSlots>): Tensors =>
  Object.fromEntries(
    Object.entries(spec).map(([name, { type }]) => [
      name,
      f32(type.shape, new Float32Array(type.shape.reduce((size, extent) => size * extent, 1))),
    ]),
  );

/** Lets messages in, such as a cancellation. */
const messages = () => new Promise<void>((resolve) => setTimeout(resolve));

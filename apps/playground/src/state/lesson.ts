import { computed, signal } from "@preact/signals";
import { proxy } from "comlink";
import type { PictureId, TuneOutcome } from "../worker/protocol.js";
import { announce, messageOf } from "./announce.js";
import { download } from "./download.js";
import { about, modelWorker } from "./model.js";
import { pictures, rescore } from "./pictures.js";

/** One taught label on one picture, before and after. NaN before: the label is new. */
export interface Change {
  readonly picture: PictureId;
  readonly name: string;
  readonly url: string;
  readonly label: string;
  readonly isPresent: boolean;
  readonly before: number;
  readonly after: number;
}

export interface LessonResult {
  readonly losses: readonly number[];
  readonly changes: readonly Change[];
}

/** Labels that the visitor teaches. */
export const taught = signal<readonly string[]>([]);
/** Which pictures show which of them: "ID LABEL". */
export const ticks = signal<ReadonlySet<string>>(new Set());
export const running = signal<{ readonly losses: readonly number[]; readonly steps: number } | null>(null);
export const results = signal<readonly LessonResult[]>([]);
export const lessonError = signal<string | null>(null);

export const STEPS = 200;

const keyOf = (picture: PictureId, label: string) => `${picture} ${label}`;
export const isTicked = (picture: PictureId, label: string) => ticks.value.has(keyOf(picture, label));

export function tick(picture: PictureId, label: string, isOn: boolean): void {
  const next = new Set(ticks.value);
  if (isOn) next.add(keyOf(picture, label));
  else next.delete(keyOf(picture, label));
  ticks.value = next;
}

export function addLabel(text: string): void {
  const label = text.trim();
  if (label !== "" && !taught.value.includes(label)) taught.value = [...taught.value, label];
}

export function removeLabel(label: string): void {
  taught.value = taught.value.filter((each) => each !== label);
}

export const examples = computed(() => pictures.value.filter(({ status }) => status.kind === "tagged"));

/** What is still missing before a lesson can begin, or null. */
export const missing = computed<string | null>(() => {
  if (taught.value.length === 0) return "Add a label to teach.";
  if (examples.value.length === 0) return "Add pictures above: they are the examples.";
  const unseen = taught.value.find((label) => !examples.value.some(({ id }) => isTicked(id, label)));
  return unseen === undefined ? null : `Tick "${unseen}" on a picture that shows it.`;
});

/** All that belongs to one model is forgotten with it. */
export function forgetLessons(): void {
  taught.value = [];
  ticks.value = new Set();
  results.value = [];
  running.value = null;
  lessonError.value = null;
}

const scoreOf = (scores: readonly number[] | undefined, names: readonly string[], label: string) =>
  scores?.[names.indexOf(label)] ?? Number.NaN;

export async function teach(): Promise<void> {
  const namesBefore = about.value!.classNames;
  const items = examples.value;
  const labels = taught.value;
  lessonError.value = null;
  running.value = { losses: [], steps: STEPS };
  const onStep = (_step: number, loss: number) => {
    if (running.value !== null) running.value = { ...running.value, losses: [...running.value.losses, loss] };
  };
  try {
    const lesson = {
      steps: STEPS,
      labels,
      examples: items.map(({ id }) => ({ picture: id, labels: labels.filter((label) => isTicked(id, label)) })),
    };
    const outcome = await modelWorker().tune(lesson, proxy(onStep));
    const after = new Map(outcome.scores);
    const changes = items.flatMap(({ id, name, url, status }) =>
      labels.map((label): Change => {
        const before = status.kind === "tagged" ? status.tagged.scores : undefined;
        return {
          ...{ picture: id, name, url, label },
          isPresent: isTicked(id, label),
          before: scoreOf(before, namesBefore, label),
          after: scoreOf(after.get(id), outcome.about.classNames, label),
        };
      }),
    );
    take(outcome);
    results.value = [...results.value, { losses: outcome.losses, changes }];
    announce("The lesson is done");
  } catch (error) {
    if (messageOf(error) === "cancelled") announce("The lesson is cancelled; nothing changed");
    else lessonError.value = messageOf(error);
  } finally {
    running.value = null;
  }
}

export const cancelLesson = () => void modelWorker().cancel();

export async function undoLesson(): Promise<void> {
  take(await modelWorker().undo());
  results.value = results.value.slice(0, -1);
  announce("The last lesson is taken back");
}

export async function downloadTuned(): Promise<void> {
  try {
    const { name, bytes } = await modelWorker().save();
    download(name, bytes, "application/octet-stream");
  } catch (error) {
    lessonError.value = messageOf(error);
  }
}

function take(outcome: TuneOutcome): void {
  about.value = outcome.about;
  rescore(outcome.scores);
}

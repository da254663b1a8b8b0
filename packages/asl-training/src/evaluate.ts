import { setImmediate } from "node:timers/promises";
import type { Session, TensorData } from "asl-core";
import type { Batch, Loader } from "asl-data";
import { locatingNonFinite } from "./errors.js";
import type { Predictions } from "./predictions.js";
import { sigmoidScores } from "./scores.js";

export interface EvaluateOptions {
  /** Called after each batch with the number of pictures done so far. */
  readonly onProgress?: (pictures: number, total: number) => void;
  /** Stops between batches; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

const ADVICE = "The weights are damaged, or a learning rate that was too high has spoilt them.";

/**
 * Runs evaluate programs over a dataset, every batch through all of them; padding rows are left out. The loader's order
 * is the order of the rows.
 * @throws DivergedError naming the picture and class of a logit that is not finite
 */
export async function evaluate<P extends string>(
  session: Session<P>,
  programs: readonly P[],
  loader: Loader,
  { onProgress, signal }: EvaluateOptions = {},
): Promise<Readonly<Record<P, Predictions>>> {
  const pictures: string[] = [];
  const targets: Float32Array[] = [];
  const scores = new Map<P, Float32Array[]>(programs.map((program) => [program, []]));
  const finish = async ({ batch, logits }: Running<P>) => {
    const realElements = batch.indices.length * loader.classes.length;
    // all of them, so that none still runs on the session when another has failed
    await Promise.allSettled(logits.map(([, values]) => values));
    for (const [program, values] of logits) {
      scores.get(program)!.push(sigmoidScores((await values).subarray(0, realElements)));
    }
    targets.push(Float32Array.from(batch.targets.data.subarray(0, realElements)));
    pictures.push(...batch.names);
    onProgress?.(pictures.length, loader.itemCount);
    await setImmediate(); // leaves the event loop to signals and timers
  };
  // A backend may take the pictures of one batch in while it computes another.
  let running: Running<P> | undefined;
  try {
    for await (const batch of loader.epoch(0)) {
      signal?.throwIfAborted();
      const logits = programs.map((program) => [program, logitsOf(session, program, batch, loader.classes)] as const);
      // awaited in their turn
      for (const [, values] of logits) values.catch(() => undefined);
      const previous = running;
      running = { batch, logits };
      if (previous !== undefined) await finish(previous);
    }
    signal?.throwIfAborted();
    if (running !== undefined) await finish(running);
  } finally {
    // what was started ends before the session's owner goes on
    await Promise.allSettled(running?.logits.map(([, values]) => values) ?? []);
  }
  const common = { classNames: loader.classes, pictures, targets: concatenated(targets) };
  const predictions = programs.map((program): [P, Predictions] => [
    program,
    { ...common, scores: concatenated(scores.get(program)!) },
  ]);
  return Object.fromEntries(predictions) as Record<P, Predictions>; // Object.fromEntries widens keys to string
}

/** A batch whose runs have begun. */
interface Running<P extends string> {
  readonly batch: Batch;
  readonly logits: readonly (readonly [P, Promise<TensorData["data"]>])[];
}

async function logitsOf<P extends string>(
  session: Session<P>,
  program: P,
  batch: Batch,
  classNames: readonly string[],
) {
  const place = {
    during: "evaluation",
    pictures: batch.names,
    classNames,
    shape: batch.targets.type.shape,
    advice: ADVICE,
  };
  const { logits } = await locatingNonFinite(place, () => session.run(program, { images: batch.images }));
  return logits!.data;
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

import { setImmediate } from "node:timers/promises";
import type { JsonObject } from "asl-checkpoint";
import type { Model, Session } from "asl-core";
import type { Batch } from "asl-data";
import { exportCheckpoint, readWeights } from "./checkpoint-export.js";
import { evaluate } from "./evaluate.js";
import { savePredictions } from "./predictions-file.js";
import type { TrainingProgramName } from "./programs.js";
import { AT_START, type BestEvaluation, progressToJson, type TrainingProgress } from "./progress.js";
import type { TrainingRecipe } from "./recipe.js";
import type { RunDirectory } from "./run-directory.js";
import type { RunLock } from "./run-lock.js";
import { scheduleAt } from "./schedule.js";
import type { StepRecord, TrainingLogs } from "./tracking/training-logs.js";
import type { TrainingOptions, TrainingResult } from "./training-options.js";
import { type StepResult, StepRunner, stepsPerEpoch } from "./training-step.js";
import { type Evaluated, evaluatedOf, metricsOf, summaryOf } from "./training-summary.js";
import { DEFAULT_THRESHOLD } from "./validation-report.js";

export interface RunParts {
  readonly options: TrainingOptions;
  readonly recipe: TrainingRecipe;
  readonly model: Model;
  readonly session: Session<TrainingProgramName>;
  readonly directory: RunDirectory;
  readonly lock: RunLock;
  readonly setup: JsonObject;
  readonly progress: TrainingProgress | undefined;
}

/** A batch that has begun. */
interface RunningBatch {
  readonly batch: Batch;
  readonly result: Promise<StepResult | undefined>;
}

/** Time and pictures of the epoch that goes on, on top of those of the run. */
class EpochClock {
  readonly #begin = performance.now();
  #images = 0;

  constructor(private readonly before: Pick<TrainingProgress, "trainingSeconds" | "images">) {}

  add(images: number): { trainingSeconds: number; images: number; imagesPerSecond: number } {
    this.#images += images;
    const seconds = (performance.now() - this.#begin) / 1000;
    return {
      trainingSeconds: this.before.trainingSeconds + seconds,
      images: this.before.images + this.#images,
      imagesPerSecond: this.#images / seconds,
    };
  }
}

/** The loop: steps, evaluation, checkpoints, snapshots. `progress` always says what is done and no more. */
export class TrainingRun {
  #progress: TrainingProgress;
  /** When the clock of `progress.seconds` was last read. */
  #clock = performance.now();
  #unwrittenSteps: StepRecord[] = [];
  readonly #steps: StepRunner;

  private constructor(
    private readonly parts: RunParts,
    private readonly logs: TrainingLogs,
  ) {
    const { session, recipe, options } = parts;
    const { classes: classNames, batchesPerEpoch } = options.training;
    this.#progress = parts.progress ?? { ...AT_START, gammaNeg: recipe.gammaNeg };
    this.#steps = new StepRunner(session, recipe, { classNames, batchesPerEpoch });
  }

  static async open(parts: RunParts): Promise<TrainingRun> {
    const { step, epoch } = parts.progress ?? AT_START;
    return new TrainingRun(parts, await parts.directory.openLogs({ steps: step, epochs: epoch }));
  }

  async toTheEnd(): Promise<TrainingResult> {
    const { recipe, directory } = this.parts;
    const firstStep = this.#progress.step;
    let interrupted = false;
    while (!interrupted && this.#progress.epoch < recipe.epochs && !this.#isPatienceOver()) {
      interrupted = !(await this.#trainEpoch()) || !(await this.#finishEpoch());
    }
    // an interruption before the first step leaves nothing to save
    if (interrupted && this.#progress.step > firstStep) await this.#saveSnapshot();
    const result = this.#result(interrupted);
    if (!interrupted) await directory.writeJson("summary", summaryOf(result));
    return result;
  }

  /** The steps of the epoch that are not done yet; false when interrupted. What has begun is always finished. */
  async #trainEpoch(): Promise<boolean> {
    const { options, recipe } = this.parts;
    const { training, snapshotEverySteps = 200 } = options;
    const { epoch, nextBatch } = this.#progress;
    const batches = stepsPerEpoch(recipe, training.batchesPerEpoch) * recipe.accumulate;
    if (this.#interrupted()) return false;
    if (nextBatch >= batches) return true;
    this.#steps.startAt(this.#progress);
    const clock = new EpochClock(this.#progress);
    let lastSnapshot = this.#progress.step;
    let running: RunningBatch | undefined;
    try {
      for await (const batch of training.epoch(epoch, { startBatch: nextBatch })) {
        if (batch.number >= batches) break; // what is left over fills no step
        // A backend may take the pictures of this batch in while it computes the one before.
        const previous = running;
        running = { batch, result: this.#steps.begin(batch) };
        running.result.catch(() => undefined); // awaited in its turn
        if (previous !== undefined) await this.#finish(previous, batches, clock);

        const isStepsEnd = (batch.number + 1) % recipe.accumulate === 0;
        const savesAfter = isStepsEnd && this.#progress.step + 1 - lastSnapshot >= snapshotEverySteps;
        if (!savesAfter && !this.#steps.isSequential && !this.#interrupted()) continue;
        await this.#finish(running, batches, clock);
        running = undefined;
        if (this.#interrupted()) return false;
        if (savesAfter && batch.number + 1 < batches) {
          await this.#saveSnapshot();
          lastSnapshot = this.#progress.step;
        }
      }
      if (running !== undefined) await this.#finish(running, batches, clock);
      if (this.#interrupted()) return false;
    } finally {
      await running?.result.catch(() => undefined); // before the session's owner goes on
    }
    // batches without a single readable picture at the end of an epoch do not come at all
    this.#advance({ nextBatch: batches });
    return true;
  }

  /** Waits for a batch, and records the step that ends with it. */
  async #finish({ batch, result: running }: RunningBatch, batches: number, clock: EpochClock): Promise<void> {
    const { step, epoch, epochLoss, frozenSteps } = this.#progress;
    const result = await running;
    // a backend may never leave the event loop to signals and timers by itself
    await setImmediate();
    const { trainingSeconds, images, imagesPerSecond } = clock.add(batch.indices.length);
    if (result === undefined) return;
    const { loss, learningRate, gammaNeg, nextGammaNeg } = result;
    this.#unwrittenSteps.push({ ...result, step: step + 1, epoch: epoch + 1, batch: batch.number + 1 });
    this.#advance({
      step: step + 1,
      nextBatch: batch.number + 1,
      epochLoss: { sum: epochLoss.sum + loss, steps: epochLoss.steps + 1 },
      gammaNeg: nextGammaNeg,
      frozenSteps: epoch < this.parts.recipe.freezeEpochs ? frozenSteps + 1 : frozenSteps,
      trainingSeconds,
      images,
    });
    if (this.#steps.isSequential) this.#steps.startAt(this.#progress);
    this.parts.options.onStep?.({
      ...{ epoch, batch: batch.number, batches, step: step + 1 },
      ...{ loss, learningRate, gammaNeg, imagesPerSecond },
    });
  }

  /** Whether the moving average has not improved for as many epochs as the run waits. */
  #isPatienceOver(): boolean {
    const { patience } = this.parts.options;
    const { epoch, bestEma } = this.#progress;
    return patience !== undefined && bestEma !== null && epoch - bestEma.epoch >= patience;
  }

  /** Evaluation, checkpoints, logs and the snapshot of a whole epoch; false when interrupted before all was done. */
  async #finishEpoch(): Promise<boolean> {
    const { options, recipe } = this.parts;
    const evaluated = await this.#evaluate();
    if (evaluated === "interrupted") return false;
    const { epoch, step, epochLoss, best, bestEma, trainingSeconds, images } = this.#progress;
    const regular = await this.#keepBest("regular", best, evaluated?.regular);
    const ema = await this.#keepBest("ema", bestEma, evaluated?.ema);

    const loss = epochLoss.steps === 0 ? 0 : epochLoss.sum / epochLoss.steps;
    const imagesPerSecond = trainingSeconds === 0 ? 0 : images / trainingSeconds;
    this.#advance({ epoch: epoch + 1, nextBatch: 0, epochLoss: AT_START.epochLoss, best: regular, bestEma: ema });
    const steps = stepsPerEpoch(recipe, options.training.batchesPerEpoch);
    const { learningRate } = scheduleAt(recipe, Math.max(step - 1, 0), steps);
    const reports = [evaluated?.regular.report, evaluated?.ema.report];
    await this.logs.epoch({
      ...{ epoch: epoch + 1, step, loss, learningRate, imagesPerSecond, seconds: this.#progress.seconds },
      reports,
    });
    await this.#saveSnapshot();
    options.onEpoch?.({
      epoch: epoch + 1,
      epochs: recipe.epochs,
      step,
      loss,
      imagesPerSecond,
      regular: evaluated?.regular.report ?? null,
      ema: evaluated?.ema.report ?? null,
      improved: { regular: regular !== best, ema: ema !== bestEma },
    });
    return true;
  }

  async #evaluate(): Promise<{ regular: Evaluated; ema: Evaluated } | undefined | "interrupted"> {
    const { session, options } = this.parts;
    const { validation, signal, onEvaluation } = options;
    if (validation === undefined) return undefined;
    const { epoch } = this.#progress;
    try {
      const predictions = await evaluate(session, ["evaluate", "evaluateEma"], validation, {
        ...(signal === undefined ? {} : { signal }),
        onProgress: (images, total) => onEvaluation?.({ epoch, images, total }),
      });
      return { regular: evaluatedOf(predictions.evaluate), ema: evaluatedOf(predictions.evaluateEma) };
    } catch (error) {
      if (signal?.aborted === true && error === signal.reason) return "interrupted";
      throw error;
    }
  }

  /** Writes a checkpoint when these weights are the best of their kind; without an evaluation the latest are. */
  async #keepBest(
    weights: "regular" | "ema",
    best: BestEvaluation | null,
    evaluated: Evaluated | undefined,
  ): Promise<BestEvaluation | null> {
    const { session, model, options, directory, setup } = this.parts;
    const { epoch, step } = this.#progress;
    const mAP = evaluated?.report.mAP;
    if (mAP !== undefined && best !== null && mAP <= best.mAP) return best;
    const file = directory.path(weights === "ema" ? "bestEma" : "best");
    await exportCheckpoint(file, await readWeights(session, model, weights), {
      classNames: options.training.classes,
      thresholds: evaluated?.threshold ?? DEFAULT_THRESHOLD,
      imageSize: options.imageSize,
      resizeFilter: options.resizeFilter,
      recipe: setup,
      step,
      epoch: epoch + 1,
      metrics: evaluated === undefined ? {} : metricsOf(evaluated.report),
      weights,
    });
    if (evaluated !== undefined) {
      const saved = directory.path(weights === "ema" ? "predictionsEma" : "predictions");
      await savePredictions(saved, { ...evaluated.predictions, thresholds: evaluated.threshold });
    }
    return mAP === undefined ? null : { epoch: epoch + 1, mAP };
  }

  async #saveSnapshot(): Promise<void> {
    const { session, directory, setup } = this.parts;
    await this.parts.lock.check();
    await this.logs.steps(this.#unwrittenSteps);
    this.#unwrittenSteps = [];
    this.#advance({});
    await directory.writeSnapshot({
      state: await session.read(),
      progress: { ...progressToJson(this.#progress), setup },
    });
  }

  #advance(change: Partial<TrainingProgress>): void {
    const now = performance.now();
    const seconds = this.#progress.seconds + (now - this.#clock) / 1000;
    this.#clock = now;
    this.#progress = { ...this.#progress, ...change, seconds };
  }

  #interrupted(): boolean {
    return this.parts.options.signal?.aborted === true;
  }

  #result(interrupted: boolean): TrainingResult {
    const { epoch, step, seconds, trainingSeconds, images, best, bestEma } = this.#progress;
    const { directory } = this.parts;
    const withFile = (found: BestEvaluation | null, file: "best" | "bestEma") =>
      found === null ? null : { ...found, file: directory.path(file) };
    return {
      interrupted,
      stoppedEarly: !interrupted && epoch < this.parts.recipe.epochs,
      epochs: epoch,
      steps: step,
      seconds,
      imagesPerSecond: trainingSeconds === 0 ? 0 : images / trainingSeconds,
      best: { regular: withFile(best, "best"), ema: withFile(bestEma, "bestEma") },
    };
  }
}

import { accumulationFeeds, adaptGammaNeg, type Session, type Tensors } from "asl-core";
import type { Batch } from "asl-data";
import { locatingNonFinite } from "./errors.js";
import { fullBatch } from "./full-batch.js";
import type { TrainingProgramName } from "./programs.js";
import { AT_START, type TrainingProgress } from "./progress.js";
import type { TrainingRecipe } from "./recipe.js";
import { isAdaptive, lossFeeds } from "./recipe-loss.js";
import { scheduleAt } from "./schedule.js";

export interface StepResult {
  /** Summed over the step's pictures. */
  readonly loss: number;
  readonly learningRate: number;
  /** Before clipping; undefined without clipping. */
  readonly gradientNorm: number | undefined;
  /** The one that this step was made with, and the one of the next step. */
  readonly gammaNeg: number;
  readonly nextGammaNeg: number;
  /** Mean probability of positives and mean (1 - p) of negatives; mean over the step's batches. */
  readonly pPlus: number;
  readonly pMinus: number;
}

export interface StepPlace {
  readonly classNames: readonly string[];
  readonly batchesPerEpoch: number;
}

const DIVERGED = "The weights before this step are kept. Try a lower learning rate, or check the starting weights.";

/** Steps in an epoch; batches that are left over make none. */
export const stepsPerEpoch = ({ accumulate }: TrainingRecipe, batches: number) => Math.floor(batches / accumulate);

/** Where a step is in the run. */
type StepPosition = Pick<TrainingProgress, "epoch" | "step" | "frozenSteps" | "gammaNeg">;

/** Begins batch after batch; every `accumulate` of them are a step. A batch may begin before the one before has ended. */
export class StepRunner {
  /** Of the step that goes on. */
  #outputs: Promise<Tensors>[] = [];
  #position: StepPosition;

  constructor(
    private readonly session: Session<TrainingProgramName>,
    private readonly recipe: TrainingRecipe,
    private readonly place: StepPlace,
  ) {
    this.#position = AT_START;
  }

  /** Whether the feeds of a step depend on what the one before it gave. */
  get isSequential(): boolean {
    return isAdaptive(this.recipe);
  }

  /** The next batch is the first of the step at `progress`; batches of a step that was not finished are forgotten. */
  startAt(progress: StepPosition): void {
    this.#outputs = [];
    this.#position = progress;
  }

  /** Ends with the batch; undefined while its step goes on. Throws DivergedError. */
  begin(batch: Batch): Promise<StepResult | undefined> {
    const { recipe } = this;
    const { epoch, step, frozenSteps, gammaNeg } = this.#position;
    const frozen = epoch < recipe.freezeEpochs;
    const isFirst = this.#outputs.length === 0;
    const isLast = this.#outputs.length === recipe.accumulate - 1;
    const thawed = recipe.freezeEpochs > 0 && !frozen ? step - frozenSteps : undefined;
    const steps = stepsPerEpoch(recipe, this.place.batchesPerEpoch);
    const schedule = scheduleAt(recipe, step, steps, thawed);
    const feeds = isLast ? schedule.feeds : accumulationFeeds(isFirst);
    const program = `${isLast ? "train" : "accumulate"}${frozen ? "Head" : ""}` as const;
    const place = {
      during: `training step ${step + 1} (epoch ${epoch + 1}, batch ${batch.number + 1})`,
      pictures: batch.names,
      classNames: this.place.classNames,
      shape: batch.targets.type.shape,
      advice: DIVERGED,
    };
    const running = locatingNonFinite(place, () =>
      this.session.run(program, { ...fullBatch(batch), ...feeds, ...lossFeeds(recipe, gammaNeg) }),
    );
    this.#outputs.push(running);
    if (!isLast) return running.then(() => undefined);
    const outputs = Promise.all(this.#outputs);
    this.startAt({ epoch, step: step + 1, frozenSteps: frozen ? frozenSteps + 1 : frozenSteps, gammaNeg });
    return outputs.then((all) => this.#result(all, schedule.learningRate, gammaNeg));
  }

  #result(batches: readonly Tensors[], learningRate: number, gammaNeg: number): StepResult {
    const sum = (name: string) => batches.reduce((total, outputs) => total + outputs[name]!.data[0]!, 0);
    const [pPlus, pMinus] = [sum("pPlus") / batches.length, sum("pMinus") / batches.length];
    const { adaptiveRate: rate, adaptiveGap: targetGap } = this.recipe;
    // probabilities are above 0: without a positive (or a negative) there is no balance to go by
    const adapts = isAdaptive(this.recipe) && pPlus > 0 && pMinus > 0;
    return {
      loss: sum("loss"),
      learningRate,
      gradientNorm: batches.at(-1)?.gradientNorm?.data[0],
      gammaNeg,
      nextGammaNeg: adapts ? adaptGammaNeg(gammaNeg, { pPlus, pMinus }, { rate, targetGap }) : gammaNeg,
      pPlus,
      pMinus,
    };
  }
}

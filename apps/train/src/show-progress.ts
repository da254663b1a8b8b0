import { formatDuration, type Progress, type Reporter } from "asl-cli";
import type { EpochReport, StepReport, TrainingOptions, TrainingResult } from "asl-training";

/** The callbacks of a training run as progress bars and lines. `stop` ends a bar that is still open. */
export function showProgress(
  report: Reporter,
  { batchSize, epochs }: { readonly batchSize: number; readonly epochs: number },
): Required<Pick<TrainingOptions, "onResume" | "onStep" | "onEvaluation" | "onEpoch">> & { stop(): void } {
  let open: { readonly key: string; readonly progress: Progress } | undefined;
  const stop = () => {
    open?.progress.stop();
    open = undefined;
  };
  const progressOf = (key: string, create: () => Progress): Progress => {
    if (open?.key !== key) {
      stop();
      open = { key, progress: create() };
    }
    return open.progress;
  };
  return {
    stop,
    onResume: ({ epoch, step }) =>
      report.note(
        epoch < epochs
          ? `going on after step ${step} in epoch ${epoch + 1}`
          : `nothing is left to do: ${counted(epochs, "epoch")} of ${epochs} done`,
      ),
    onStep({ epoch, batch, batches, loss }: StepReport) {
      const options = { label: `epoch ${epoch + 1}/${epochs}`, total: batches * batchSize, unit: "images" };
      const progress = progressOf(`train ${epoch}`, () =>
        report.progress({ ...options, start: (batch + 1) * batchSize }),
      );
      progress.update((batch + 1) * batchSize, { loss: loss.toPrecision(4) });
    },
    onEvaluation({ epoch, images, total }) {
      const options = { label: "  validation", total, unit: "images" };
      progressOf(`validate ${epoch}`, () => report.progress(options)).update(images);
    },
    onEpoch(epochReport: EpochReport) {
      stop();
      report.note(epochLine(epochReport));
    },
  };
}

/** `epoch 3/15  loss 41.2  mAP 38.11 (best)  mAP of the EMA 35.70  212.3 images/s`. */
export function epochLine({ epoch, epochs, loss, regular, ema, improved, imagesPerSecond }: EpochReport): string {
  const score = (what: string, mAP: number | undefined, isBest: boolean) =>
    mAP === undefined ? [] : [`${what} ${mAP.toFixed(2)}${isBest ? " (best)" : ""}`];
  return [
    `epoch ${epoch}/${epochs}`,
    `loss ${loss.toPrecision(4)}`,
    ...score("mAP", regular?.mAP, improved.regular),
    ...score("mAP of the EMA", ema?.mAP, improved.ema),
    `${imagesPerSecond.toFixed(1)} images/s`,
  ].join("  ");
}

/** The end of a run for people. */
export function summaryText({ steps, epochs, seconds, imagesPerSecond, stoppedEarly, best }: TrainingResult): string {
  const kept = (what: string, found: TrainingResult["best"]["ema"]) =>
    found === null ? [] : [`best ${what}: mAP ${found.mAP.toFixed(2)} in epoch ${found.epoch}, ${found.file}`];
  return [
    `${counted(epochs, "epoch")}, ${counted(steps, "step")} in ${formatDuration(seconds)}, ${imagesPerSecond.toFixed(1)} images/s`,
    ...(stoppedEarly ? ["stopped early: the mAP of the EMA no longer improved"] : []),
    ...kept("regular weights", best.regular),
    ...kept("EMA weights", best.ema),
  ].join("\n");
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;

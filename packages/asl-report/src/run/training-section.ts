import { lineChart, type Point, type Series } from "../chart/charts.js";
import { type Html, html } from "../page/html.js";
import type { RunLogs, StepPoint } from "./run-logs.js";

/** How a run went: loss, mAP, learning rate, balance, and gamma- where it adapts. */
export function trainingSection({ epochs, steps }: RunLogs, { adaptive }: { readonly adaptive: boolean }): Html {
  const bySteps = (value: (step: StepPoint) => number | null): Point[] =>
    steps.flatMap((step) => {
      const y = value(step);
      return y === null ? [] : [{ x: step.step, y }];
    });
  const byEpochs = (value: "mAP" | "mAPEma"): Point[] =>
    epochs.flatMap(({ epoch, [value]: y }) => (y === null ? [] : [{ x: epoch, y }]));
  const charts = [
    lineChart({
      title: "Training loss",
      xLabel: "step",
      series: [
        { name: "step", tone: "soft", points: bySteps(({ loss }) => loss) },
        { name: "mean of the epoch", tone: "first", points: epochs.map(({ step, loss }) => ({ x: step, y: loss })) },
      ],
      ...lossScale(steps.map(({ loss }) => loss)),
    }),
    lineChart({
      title: "mAP, percent",
      xLabel: "epoch",
      series: [
        { name: "regular weights", tone: "first", points: byEpochs("mAP") },
        { name: "averaged weights", tone: "second", points: byEpochs("mAPEma") },
      ],
      yRange: [0, 0],
      whole: true,
    }),
    lineChart({
      title: "Balance of probabilities",
      xLabel: "step",
      series: balanceSeries(
        bySteps(({ pPositive }) => pPositive),
        bySteps(({ pNegative }) => pNegative),
        bySteps(({ pPositive, pNegative }) => (pPositive === null ? null : pPositive - pNegative)),
      ),
      yRange: [0, 1],
      about: BALANCE,
    }),
    lineChart({
      title: "Learning rate",
      xLabel: "step",
      series: [{ name: "learning rate", tone: "first", points: bySteps(({ learningRate }) => learningRate) }],
      yRange: [0, 0],
    }),
    ...(adaptive
      ? [
          lineChart({
            title: "Adaptive focusing of negatives",
            xLabel: "step",
            series: [{ name: "gamma-", tone: "first", points: bySteps(({ gammaNeg }) => gammaNeg) }],
            about: "gamma- moves until the gap between p of positives and 1 - p of negatives is as asked for.",
          }),
        ]
      : []),
  ];
  const drawn = charts.filter(({ html: text }) => text !== "");
  if (drawn.length === 0) return html`<p>No step is logged yet.</p>`;
  return html`<div class="panels">${drawn.map((chart) => html`<div class="panel">${chart}</div>`)}</div>`;
}

/** From 0 on, or logarithmic where the loss falls to less than a tenth. */
function lossScale(losses: readonly number[]) {
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  return low > 0 && high > 10 * low
    ? { logarithmic: true, about: "Summed over a batch; logarithmic." }
    : { yRange: [0, 0] as const, about: "Summed over a batch." };
}

/** What the lines of `balanceSeries` mean. */
export const BALANCE =
  "Mean probability given to what is right: p for classes that are there, 1 - p for those that are not. A gap far below 0: the many negatives outweigh the positives.";

/** The balance of a loss (Ben-Baruch et al. 2021, section 2.4). */
export const balanceSeries = (
  pPositive: readonly Point[],
  pNegative: readonly Point[],
  gap: readonly Point[],
): readonly Series[] => [
  { name: "p, positives", tone: "first", points: pPositive },
  { name: "1 - p, negatives", tone: "second", points: pNegative },
  { name: "gap", tone: "fourth", points: gap },
];

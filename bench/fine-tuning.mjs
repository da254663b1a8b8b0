// Is a backbone that has only seen drawings worth anything for photographs? The same budget from it and from scratch.
import path from "node:path";
import { formatTable, runCommand } from "asl-cli";
import { openCoco } from "asl-data";
import { backendOf, comparisonCommand, conclude, settingsOf, storeOf } from "./comparison/command.mjs";
import { intervalOf, meanOf, numberText, pairedDifference, rangeText } from "./comparison/rows.mjs";
import { runComparison } from "./comparison/run-comparison.mjs";
import { FINE_TUNING, QUICK_FINE_TUNING } from "./comparison/settings.mjs";

export const STARTS = { scratch: "from scratch", backbone: "backbone of emoji scenes" };

const command = () =>
  comparisonCommand({
    name: "fine-tuning",
    description:
      "Trains on photographs of COCO's 80 classes with ASL, from scratch and from the backbone that paper-losses and " +
      "ablation train on emoji scenes. Finished runs are kept in --store; Ctrl-C loses nothing, the same command goes on.",
    examples: [
      "npx pnpm@10 bench fine-tuning --json fine-tuning.json",
      "npx pnpm@10 bench fine-tuning --data ../coco --seeds 5",
    ],
    store: "runs/paper-losses",
    full: FINE_TUNING,
  }).option(
    "--data <folder>",
    "pictures in train/ and val/, labels in instances_free_{train,val}.json",
    "../shared/data/coco-free",
  );

export const main = (argv) => runCommand(command(), compare, argv);

async function compare(options, context) {
  const settings = settingsOf(options, { full: FINE_TUNING, small: QUICK_FINE_TUNING });
  const [store, trains] = [storeOf(options), !options.table];
  const photographs = await openPhotographs(options.data);
  const counts = {
    photographs: photographs.training.items.length,
    valPhotographs: photographs.validation.items.length,
  };
  const runs = runsOf(options.seeds);
  const backend = await backendOf(options);
  const records = await runComparison(
    { runs, settings: { ...settings, ...counts }, store, backend, trains, photographs },
    context,
  );
  const rows = rowsOf(records);
  context.report.print(textOf(rows));
  return await conclude(
    { runs, records, json: options.json, figures: { settings: { ...settings, ...counts }, rows } },
    context,
  );
}

/** Every picture, also those that show nothing of the 80 classes. */
async function openPhotographs(folder) {
  const open = (split) =>
    openCoco({
      pictures: path.join(folder, split),
      annotations: path.join(folder, `instances_free_${split}.json`),
    });
  return { training: await open("train"), validation: await open("val") };
}

export const runsOf = (seeds) =>
  Array.from({ length: seeds }, (_, index) => index + 1).flatMap((seed) =>
    Object.keys(STARTS).map((start) => ({
      ...{ name: `fine-tuning-${start}-seed${seed}`, start, seed, loss: "asl", removed: 0 },
    })),
  );

/** A row for each start: mAP in percent, of the moving average after the last epoch; classes without a positive count 0. */
export function rowsOf(records) {
  const of = (start) => records.filter(({ run }) => run.start === start);
  const mAP = (record) => record.mAP;
  return Object.keys(STARTS).map((start) => {
    const own = of(start);
    const { mean, low, high } = intervalOf(own, mAP);
    return {
      ...{ start, mAP: mean, low, high, seeds: own.length },
      difference: start === "scratch" ? null : pairedDifference(own, of("scratch"), mAP),
      mAPLast: meanOf(own, (record) => record.mAPLast),
    };
  });
}

const textOf = (rows) =>
  formatTable(
    ["start", "mAP", "95 % (t)", "seeds", "minus scratch", "95 % (t)", "regular weights"],
    rows.map((row) => [
      ...[STARTS[row.start], numberText(row.mAP, 2), rangeText(row), String(row.seeds)],
      ...[numberText(row.difference?.mean, 2), rangeText(row.difference), numberText(row.mAPLast, 2)],
    ]),
    [1, 2, 3, 4, 5, 6],
  );

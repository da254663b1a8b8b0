// What each part of the recipe is worth: the recipe of asl-train, with one thing changed at a time.
import { formatTable, runCommand } from "asl-cli";
import {
  backendOf,
  comparisonCommand,
  conclude,
  settingsOf,
  someOf,
  storeOf,
  withScenes,
  writePage,
} from "./comparison/command.mjs";
import { ablationPage } from "./comparison/page.mjs";
import { intervalOf, meanOf, numberText, pairedDifference, rangeText } from "./comparison/rows.mjs";
import { runComparison } from "./comparison/run-comparison.mjs";

const EMA = (record) => record.mAP;
const REGULAR = (record) => record.mAPLast;

/**
 * By factor, its values; `base`: as in the recipe. Squish and crop are compared on pictures of 4:3, all else on square
 * ones. Without the moving average the base runs are measured by their regular weights.
 */
export const FACTORS = {
  clip: {
    0: { run: "clip-0", recipe: { clip: 0 } },
    0.05: { run: "base" },
    0.2: { run: "clip-0.2", recipe: { clip: 0.2 } },
  },
  gammaNeg: {
    0: { run: "gamma-neg-0", recipe: { gammaNeg: 0 } },
    2: { run: "gamma-neg-2", recipe: { gammaNeg: 2 } },
    4: { run: "base" },
    6: { run: "gamma-neg-6", recipe: { gammaNeg: 6 } },
  },
  EMA: { on: { run: "base" }, off: { run: "base", measure: REGULAR } },
  Cutout: { on: { run: "base" }, off: { run: "no-cutout", augmentation: { cutout: false } } },
  RandAugment: { off: { run: "base" }, on: { run: "rand-augment", augmentation: { randAugment: true } } },
  resize: { squish: { run: "squish", pictures: "squish" }, crop: { run: "crop", pictures: "crop" } },
};

/** The value that the others of a factor are compared with. */
const REFERENCE = { clip: "0.05", gammaNeg: "4", EMA: "on", Cutout: "on", RandAugment: "off", resize: "squish" };

const command = () =>
  withScenes(
    comparisonCommand({
      name: "ablation",
      description:
        "Trains with ASL from a pretrained backbone, changing one part of the recipe at a time: clip, gammaNeg, moving " +
        "average, Cutout, RandAugment, squish or crop. Scenes and backbone are those of paper-losses; finished runs are " +
        "kept in --store; Ctrl-C loses nothing, the same command goes on.",
      examples: [
        "npx pnpm@10 bench ablation --json ablation.json",
        "npx pnpm@10 bench ablation --factors clip,gammaNeg --seeds 5",
      ],
      store: "runs/paper-losses",
    }),
  ).option("--factors <names>", Object.keys(FACTORS).join(", "), someOf(Object.keys(FACTORS)), Object.keys(FACTORS));

export const main = (argv) => runCommand(command(), compare, argv);

async function compare(options, context) {
  const { factors, seeds } = options;
  const [settings, store, trains] = [settingsOf(options), storeOf(options), !options.table];
  const runs = runsOf(factors, seeds);
  const records = await runComparison({ runs, settings, store, backend: await backendOf(options), trains }, context);
  const rows = rowsOf(records, factors);
  context.report.print(textOf(rows));
  await writePage(store, "ablation.html", ablationPage({ rows, settings }), context);
  return await conclude({ runs, records, json: options.json, figures: { settings, rows } }, context);
}

/** Each kind of run once, though several factors name it, for every seed. */
export function runsOf(factors, seeds) {
  const kinds = new Map(factors.flatMap((factor) => Object.values(FACTORS[factor])).map((value) => [value.run, value]));
  return Array.from({ length: seeds }, (_, index) => index + 1).flatMap((seed) =>
    [...kinds.values()].map(({ run: kind, measure: _, ...changes }) => ({
      ...{ name: `ablation-${kind}-seed${seed}`, kind, seed, loss: "asl", start: "backbone", removed: 0 },
      ...changes,
    })),
  );
}

/** A row for each factor and value: mAP in percent after the last epoch, and what it is above the recipe's value. */
export function rowsOf(records, factors) {
  const of = (kind) => records.filter(({ run }) => run.kind === kind);
  return factors.flatMap((factor) => {
    const reference = FACTORS[factor][REFERENCE[factor]];
    return Object.entries(FACTORS[factor]).map(([value, { run: kind, measure = EMA }]) => {
      const own = of(kind);
      const { mean: mAP, low, high } = intervalOf(own, measure);
      const isReference = value === REFERENCE[factor];
      return {
        ...{ factor, value, mAP, low, high, seeds: own.length },
        difference: isReference ? null : pairedDifference(own, of(reference.run), measure, EMA),
        gap: meanOf(own, (record) => record.balance.at(-1).gap),
      };
    });
  });
}

const textOf = (rows) =>
  formatTable(
    ["factor", "value", "mAP", "95 % (t)", "seeds", "difference", "95 % (t)", "gap"],
    rows.map(({ factor, value, mAP, seeds, difference, gap, ...row }) => [
      ...[factor, value, numberText(mAP, 2), rangeText(row), String(seeds)],
      ...[numberText(difference?.mean, 2), rangeText(difference), numberText(gap, 3)],
    ]),
    [2, 3, 4, 5, 6, 7],
  );

// Cross-entropy, focal, asymmetric and adaptive asymmetric loss: same network, same pictures, same budget, several seeds.
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
import { paperLossesPage } from "./comparison/page.mjs";
import { intervalOf, meanOf, numberText, pairedDifference, percentText, rangeText } from "./comparison/rows.mjs";
import { lossCosts, runComparison } from "./comparison/run-comparison.mjs";

/** Settings as in the paper: gamma 2; (gamma- 4, gamma+ 0, clip 0.05). */
export const LOSSES = { bce: "CE", focal: "focal", asl: "ASL", "asl-adaptive": "ASL adaptive" };

export const ARMS = {
  scratch: { title: "from scratch", start: "scratch", removed: 0 },
  pretrained: { title: "pretrained backbone, new drawings", start: "backbone", removed: 0 },
  "removed-30": { title: "the same, 30 % of the positive labels removed", start: "backbone", removed: 0.3 },
  "removed-60": { title: "the same, 60 % of the positive labels removed", start: "backbone", removed: 0.6 },
};

const command = () =>
  withScenes(
    comparisonCommand({
      name: "paper-losses",
      description:
        "Trains the demo's network on emoji scenes of COCO's 80 classes with each loss, and compares mAP on scenes that " +
        "keep all labels. Finished runs are kept in --store; Ctrl-C loses nothing, the same command goes on.",
      examples: [
        "npx pnpm@10 bench paper-losses --json losses.json",
        "npx pnpm@10 bench paper-losses --arms scratch,removed-60 --losses bce,asl --seeds 5",
        "npx pnpm@10 bench paper-losses --table",
      ],
      store: "runs/paper-losses",
    }),
  )
    .option("--arms <names>", Object.keys(ARMS).join(", "), someOf(Object.keys(ARMS)), Object.keys(ARMS))
    .option("--losses <names>", Object.keys(LOSSES).join(", "), someOf(Object.keys(LOSSES)), Object.keys(LOSSES));

export const main = (argv) => runCommand(command(), compare, argv);

async function compare(options, context) {
  const { arms, losses, seeds } = options;
  const [settings, store, trains] = [settingsOf(options), storeOf(options), !options.table];
  const backend = await backendOf(options);
  const runs = Array.from({ length: seeds }, (_, index) => index + 1).flatMap((seed) =>
    arms.flatMap((arm) =>
      losses.map((loss) => ({ name: `${arm}-${loss}-seed${seed}`, arm, loss, seed, ...withoutTitle(ARMS[arm]) })),
    ),
  );
  const records = await runComparison({ runs, settings, store, backend, trains }, context);
  const recipes = Object.fromEntries(losses.map((loss) => [loss, { loss }]));
  const cost = await lossCosts({ losses: recipes, settings, store, backend, trains }, context);
  const rows = rowsOf(records, { arms, losses, cost });
  context.report.print(textOf(rows));
  const titles = Object.fromEntries(Object.entries(ARMS).map(([arm, { title }]) => [arm, title]));
  const page = paperLossesPage({ rows, records, arms: titles, losses: LOSSES, settings });
  await writePage(store, "paper-losses.html", page, context);
  return await conclude(
    { runs, records, json: options.json, figures: { interval: INTERVAL, settings, rows } },
    context,
  );
}

const INTERVAL = "Student's t over seeds; `difference` to bce: of the pairs with the same seed";

const withoutTitle = ({ title: _, ...arm }) => arm;

/** A row for each arm and loss: mAP in percent, of the moving average after the last epoch. */
export function rowsOf(records, { arms, losses, cost }) {
  const of = (arm, loss) => records.filter(({ run }) => run.arm === arm && run.loss === loss);
  return arms.flatMap((arm) =>
    losses.map((loss) => {
      const own = of(arm, loss);
      const { mean: mAP, low, high } = intervalOf(own, (record) => record.mAP);
      const last = (record) => record.balance.at(-1);
      return {
        ...{ arm, loss, mAP, low, high, seeds: own.length },
        difference: loss === "bce" ? null : pairedDifference(own, of(arm, "bce"), (record) => record.mAP),
        mAPLast: meanOf(own, (record) => record.mAPLast),
        pPositive: meanOf(own, (record) => last(record).pPositive),
        pNegative: meanOf(own, (record) => last(record).pNegative),
        gap: meanOf(own, (record) => last(record).gap),
        gammaNeg: meanOf(own, (record) => record.gammaNeg),
        pKept: meanOf(own, (record) => record.removed?.pKept),
        pRemoved: meanOf(own, (record) => record.removed?.pRemoved),
        pTrueNegative: meanOf(own, (record) => record.removed?.pNegative),
        gradientShare: meanOf(own, (record) => record.removed?.gradientShare),
        gradientShareOfCrossEntropy: meanOf(own, (record) => record.removed?.gradientShareOfCrossEntropy),
        lossShare: cost[loss]?.share ?? null,
      };
    }),
  );
}

function textOf(rows) {
  const head = ["arm", "loss", "mAP", "95 % (t)", "seeds", "minus CE", "95 % (t)", "p+", "1-p-", "gap", "gamma-"];
  return formatTable(
    [...head, "p removed", "their pull", "with CE", "loss/step"],
    rows.map((row) => [
      ...[row.arm, LOSSES[row.loss], numberText(row.mAP, 2), rangeText(row), String(row.seeds)],
      ...[numberText(row.difference?.mean, 2), rangeText(row.difference)],
      ...[
        numberText(row.pPositive, 3),
        numberText(row.pNegative, 3),
        numberText(row.gap, 3),
        numberText(row.gammaNeg, 2),
      ],
      ...[numberText(row.pRemoved, 3), percentText(row.gradientShare), percentText(row.gradientShareOfCrossEntropy)],
      percentText(row.lossShare),
    ]),
    [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
  );
}

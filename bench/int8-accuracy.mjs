// What int8 costs in mAP: a network trained on emoji scenes of 80 classes, and one fine-tuned on photographs.
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createCommand, EXIT, formatTable, nonNegativeNumber, positiveInteger, runCommand } from "asl-cli";
import { backendOf, storeOf } from "./comparison/command.mjs";
import { measureInt8, openNetwork } from "./int8/accuracy.mjs";
import { EMOJI, emojiModel, PHOTOGRAPHS, photographModel, QUICK } from "./int8/models.mjs";

const PHOTOGRAPH_FOLDER = "../shared/data/coco-free";

/** Points of mAP. */
const LARGEST_LOSS = 0.5;

/** The last one is what 8-bit weights do on a processor whose sums of two products are cut off at 16 bits. */
export const SETTINGS = ["minmax", "percentile", "mse"].flatMap((calibration) =>
  [
    { weightBits: 7, biasCorrection: true },
    { weightBits: 7, biasCorrection: false },
    { weightBits: 8, biasCorrection: true },
  ].map((each) => ({ calibration, ...each })),
);

const command = () =>
  createCommand({
    name: "bench int8-accuracy",
    description:
      "Quantises two trained networks as asl-export --int8 does, with each calibration, with and without bias " +
      "correction, in 7 and 8 bits, and measures mAP and logits on the validation pictures beside float32. The networks " +
      "are trained first, in some 8 minutes on two quiet cores, and kept in --store; Ctrl-C loses nothing. Fails where " +
      `the default (minmax, 7 bits, bias correction) loses more than ${LARGEST_LOSS} mAP.`,
    examples: ["npx pnpm@10 bench int8-accuracy --json int8.json", "npx pnpm@10 bench int8-accuracy --max-error 1"],
  })
    .option(
      "--data <folder>",
      "photographs in train/ and val/, labels in instances_free_{train,val}.json",
      PHOTOGRAPH_FOLDER,
    )
    .option("--max-error <share>", "as of asl-export; 1 and more: every layer in int8", nonNegativeNumber, 0.05)
    .option("--threads <count>", "threads of the training", positiveInteger)
    .option("--store <folder>", "where the trained networks lie", "runs/int8-accuracy")
    .option("--quick", "tiny networks on a few pictures, to see that all works; the figures mean nothing")
    .option("--json <file>", "write the rows as JSON");

export const main = (argv) => runCommand(command(), compare, argv);

async function compare(options, context) {
  const { report, signal } = context;
  const networks = [];
  for (const each of await trainedModels(options, context)) {
    networks.push({ ...each, ...(await openNetwork(each, context)) });
  }
  const rows = [];
  for (const network of networks) {
    for (const settings of SETTINGS) {
      signal.throwIfAborted();
      report.note(`${network.name}: ${nameOf(settings)} ...`);
      const measured = await measureInt8(network, { ...settings, maxError: options.maxError }, context);
      rows.push({
        network: network.name,
        float32mAP: network.expected.mAP,
        pictures: network.expected.rows,
        ...settings,
        ...measured,
      });
    }
  }
  report.print(textOf(rows));
  if (options.json !== undefined)
    await writeFile(options.json, `${JSON.stringify({ maxError: options.maxError, rows }, null, 2)}\n`);
  const failed = options.quick ? [] : rows.filter((row) => isDefault(row) && !(row.difference >= -LARGEST_LOSS));
  for (const { network, difference } of failed) {
    report.error(`${network}: int8 loses ${(-difference).toFixed(2)} mAP; at most ${LARGEST_LOSS} are allowed`);
  }
  return failed.length > 0 ? EXIT.failed : EXIT.ok;
}

async function trainedModels(options, context) {
  const store = storeOf(options);
  const backend = await backendOf(options);
  const settings = options.quick ? QUICK : { EMOJI, PHOTOGRAPHS };
  const emoji = await emojiModel({ settings: settings.EMOJI, store, backend }, context);
  const { data: folder } = options;
  if (!existsSync(folder)) {
    context.report.warn(`--data ${folder}: there is no such folder; emoji scenes alone`);
    return [emoji];
  }
  const common = { settings: settings.PHOTOGRAPHS, store, backend, folder, backbone: emoji.checkpoint };
  return [emoji, await photographModel(common, context)];
}

const isDefault = ({ calibration, weightBits, biasCorrection }) =>
  calibration === "minmax" && weightBits === 7 && biasCorrection;

const nameOf = ({ calibration, weightBits, biasCorrection }) =>
  `${calibration}, ${weightBits} bits${biasCorrection ? "" : ", no bias correction"}`;

const textOf = (rows) =>
  formatTable(
    [
      "network",
      "int8",
      "in float32",
      "mAP float32",
      "mAP int8",
      "difference",
      "logit error",
      "worst logit",
      "all int8",
    ],
    rows.map((row) => [
      ...[row.network, nameOf(row), `${row.float32.length} of ${row.layers}`],
      ...[row.float32mAP, row.mAP].map((mAP) => mAP.toFixed(2)),
      `${row.difference > 0 ? "+" : ""}${row.difference.toFixed(2)}`,
      `${(100 * row.logitError).toFixed(2)} %`,
      row.worstLogit.toFixed(3),
      `${(100 * row.errorOfAll).toFixed(2)} %`,
    ]),
    [3, 4, 5, 6, 7, 8],
  );

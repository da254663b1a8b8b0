// Do the weights that asl-export writes in timm's names give timm's own network the same logits?
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { writeCheckpoint } from "asl-checkpoint";
import { createReporter, openBackend, openModel, UsageError } from "asl-cli";
import { initialize, tresnet, tresnetConfig } from "asl-core";
import { agreementBound, convolutionDepth, exportCommand, exportModel } from "asl-export";
import { openPredictor } from "asl-training";
import { disposing } from "./comparison/disposing.mjs";
import { noise, trained } from "./int8/files.mjs";
import { openPeer } from "./peer.mjs";
import { temporaryFolder } from "./temporary-folder.mjs";

const CLASSES = 80;
const SIZE = 224;
const BATCH = 2;
const VARIANTS = ["tresnet_m", "tresnet_l"];

/** Weights as after training; every tensor of the file must be one of timm's network, and the other way round. */
export async function run({ only, threads, report }) {
  const folder = temporaryFolder("asl-checkpoints-");
  const peer = openPeer("timm_logits.py", { threads });
  const rows = [];
  try {
    for (const variant of VARIANTS.filter((name) => name.includes(only))) {
      report(`${variant} ...`);
      rows.push(await compare(variant, folder, peer));
    }
  } finally {
    await peer.close();
  }
  if (!rows.every(({ difference, bound }) => difference <= bound)) process.exitCode = 1;
  const lines = rows.map(({ name, difference, bound, note }) => {
    const verdict = difference <= bound ? "" : ": MORE THAN THAT";
    return `${name}: largest difference of a logit ${difference.toExponential(1)}, may be ${bound.toExponential(1)}${verdict} (${note})`;
  });
  return { rows, text: lines.join("\n") };
}

async function compare(variant, folder, peer) {
  const state = trained(initialize(tresnet(tresnetConfig(variant, { classes: CLASSES })).state, 0));
  const [checkpoint, exported] = ["checkpoint", "timm"].map((name) =>
    path.join(folder, `${variant}-${name}.safetensors`),
  );
  await writeCheckpoint(checkpoint, { tensors: state, metadata: null });
  const command = exportCommand();
  command.parse(["--model", checkpoint, "--names", "timm", "--out", exported], { from: "user" });
  const silent = createReporter({ quiet: true, stdout: { write: () => true } });
  await exportModel(command.opts(), { report: silent, signal: new AbortController().signal });

  const { images } = noise(BATCH);
  const raw = path.join(folder, `${variant}.images`);
  await writeFile(raw, images.data);
  const file = { file: raw, shape: images.type.shape };
  const answer = await peer.ask({ variant, classes: CLASSES, file: exported, images: file });
  if (answer.missing !== undefined) {
    throw new UsageError(
      `the peer lacks ${answer.missing}: pip install torch timm safetensors, and PYTHON=venv/bin/python`,
    );
  }
  const { architecture, model, classNames } = await openModel(exported, { imageSize: SIZE });
  const weights = (await openModel(checkpoint, { imageSize: SIZE })).state;
  const predictor = await openPredictor({
    ...{ backend: await openBackend("onnx"), model, state: weights, classNames, imageSize: SIZE, batchSize: BATCH },
  });
  const logits = await disposing([predictor], async () => (await predictor.predict(images)).logits);
  const largest = Math.max(...Array.from(logits, Math.abs));
  const difference = logits.reduce((most, logit, i) => Math.max(most, Math.abs(logit - answer.logits[i])), 0);
  return {
    ...{ name: `${variant}, timm's names`, difference, bound: agreementBound(convolutionDepth(architecture), largest) },
    ...{ largest, note: `timm ${answer.timm}, PyTorch ${answer.torch}; largest logit ${largest.toFixed(2)}` },
  };
}

// Trains what is missing of a comparison, run by run, and returns the records of all runs that are there.
import { lossCost } from "./loss-cost.mjs";
import { drawScenes, fourToThree, openScenes } from "./scenes.mjs";
import { hasBackbone, pretrainedBackbone, trainRun } from "./training.mjs";

/**
 * runs: as trainRun takes them. Returns [{run, record}] of those in the store; with `trains` the missing ones are
 * trained before, on `photographs` {training, validation} or on scenes that are drawn for it. Ctrl-C keeps all finished
 * runs and the snapshot of the one at work.
 */
export async function runComparison({ runs, settings, store, backend, trains, photographs }, context) {
  const { report, signal } = context;
  const own = (run) => ({ ...settings, run: withoutName(run) });
  const missing = [];
  for (const run of runs) if ((await store.read(run.name, own(run))) === undefined) missing.push(run);
  if (trains && missing.length > 0) {
    const startsOnBackbone = missing.some(({ start }) => start === "backbone");
    const pretrains = startsOnBackbone && !(await hasBackbone({ settings, store }));
    const drawn = await drawAll({ settings, store, pretrains, trains: photographs === undefined }, context);
    const pictures = photographs?.training.items.length ?? settings.scenes;
    const progress = imagesProgress(missing, { settings, pictures, report, pretrains });
    const common = { settings, backend, store, context, onStep: progress.onStep };
    const picturesIn = photographs === undefined ? pictureForms(drawn, store) : () => photographs;
    try {
      const backbone = startsOnBackbone ? await pretrainedBackbone({ ...common, drawn: drawn.pretraining }) : undefined;
      for (const [index, run] of missing.entries()) {
        signal.throwIfAborted();
        progress.begin(run.name);
        const pictures = await picturesIn(run.pictures);
        const { record, dispose } = await trainRun(run, { ...common, pictures, backbone });
        await store.write(run.name, own(run), record);
        await dispose();
        report.note(`${index + 1}/${missing.length} ${run.name}: mAP ${record.mAP.toFixed(2)} (EMA)`);
      }
    } finally {
      progress.stop();
    }
  }
  const records = [];
  for (const run of runs) {
    const record = await store.read(run.name, own(run));
    if (record !== undefined) records.push({ run, record });
  }
  return records;
}

/** Share of a step by loss, measured once for each and kept. */
export async function lossCosts({ losses, settings, store, backend, trains }, { report }) {
  const costs = {};
  for (const [name, recipe] of Object.entries(losses)) {
    const { batchSize, imageSize, classes, network } = settings;
    const own = { batchSize, imageSize, classes, network, recipe };
    let cost = await store.read(`cost-${name}`, own);
    if (cost === undefined && trains) {
      report.note(`${name}: timing the loss beside a step ...`);
      cost = await lossCost(backend, recipe, settings);
      await store.write(`cost-${name}`, own, cost);
    }
    costs[name] = cost ?? null;
  }
  return costs;
}

const withoutName = ({ name: _, ...run }) => run;

async function drawAll({ settings, store, pretrains, trains }, context) {
  const { families, scenes, valScenes, sceneSeed, pretraining } = settings;
  const draw = (name, options) =>
    drawScenes({ folder: store.path("scenes", name), families, seed: sceneSeed, settings, ...options }, context);
  return {
    training: trains ? await draw("training", { split: "train", scenes }) : undefined,
    validation: trains ? await draw("validation", { split: "val", scenes: valScenes }) : undefined,
    pretraining: pretrains ? await draw("pretraining", { split: "train", ...pretraining }) : undefined,
  };
}

/** Square scenes as they are, or pictures of 4:3 cut out of them; each form is made once. */
function pictureForms(drawn, store) {
  const forms = new Map();
  const make = async (form) => {
    const open = async (which) =>
      form === "square"
        ? await openScenes(drawn[which])
        : await fourToThree(drawn[which], { folder: store.path("scenes", `${which}-${form}`), form });
    return { training: await open("training"), validation: await open("validation") };
  };
  return async (form = "square") => {
    if (!forms.has(form)) forms.set(form, await make(form));
    return forms.get(form);
  };
}

/** One bar over all that is to be trained, in pictures. */
function imagesProgress(missing, { settings, pictures, report, pretrains }) {
  const { epochs, batchSize, pretraining } = settings;
  const trained = (count, times) => Math.floor(count / batchSize) * batchSize * times;
  const ofRun = trained(pictures, epochs);
  const ofPretraining = pretrains ? trained(pretraining.scenes, pretraining.epochs) : 0;
  const progress = report.progress({
    label: "training",
    total: ofPretraining + missing.length * ofRun,
    unit: "images",
  });
  let finished = 0;
  let current = { name: "pretraining", images: ofPretraining };
  return {
    begin(name) {
      finished += current.images;
      current = { name, images: ofRun };
    },
    onStep({ step, loss }) {
      progress.update(finished + step * batchSize, { run: current.name, loss: loss.toPrecision(4) });
    },
    stop: () => progress.stop(),
  };
}

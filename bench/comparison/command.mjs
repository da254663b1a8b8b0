// The options that comparisons share, and what they do with a command line.
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { createCommand, EXIT, imageSize, openBackend, positiveInteger, refuse, writeFileAtomically } from "asl-cli";
import { QUICK_SETTINGS, SETTINGS } from "./settings.mjs";
import { CONFIDENCE } from "./statistics.mjs";
import { ResultStore } from "./store.mjs";

/** Names of `all`, with commas. */
export const someOf = (all) => (text) => {
  const names = text.split(",").map((name) => name.trim());
  return names.every((name) => all.includes(name)) ? names : refuse(`some of ${all.join(", ")}, with commas`, text);
};

/** full: settings without --quick. */
export function comparisonCommand({ name, description, examples, store, full = SETTINGS }) {
  return createCommand({ name: `bench ${name}`, description, examples })
    .option("--seeds <count>", "runs of each kind, with the seeds 1, 2, ...", positiveInteger, 3)
    .option("--epochs <count>", `epochs of each run; default ${full.epochs}`, positiveInteger)
    .option("--image-size <pixels>", `default ${SETTINGS.imageSize}`, imageSize)
    .option("--threads <count>", "threads of the backend", positiveInteger)
    .option("--store <folder>", "where finished runs lie; a comparison that was interrupted goes on there", store)
    .option("--quick", "a tiny network on a few pictures, to see that all works; the figures mean nothing")
    .option("--table", "train nothing: table and page of the runs that are there")
    .option("--json <file>", "write rows and runs as JSON");
}

/** Comparisons on drawn scenes let their number be chosen. */
export const withScenes = (command) =>
  command.option("--scenes <count>", `training pictures; default ${SETTINGS.scenes}`, positiveInteger);

export function settingsOf(
  { quick, scenes, epochs, imageSize: side },
  { full = SETTINGS, small = QUICK_SETTINGS } = {},
) {
  return {
    ...(quick ? small : full),
    ...(scenes === undefined ? {} : { scenes }),
    ...(epochs === undefined ? {} : { epochs }),
    ...(side === undefined ? {} : { imageSize: side }),
  };
}

export const storeOf = ({ store, quick }) => new ResultStore(quick ? path.join(store, "quick") : store);

export const backendOf = ({ threads }) => openBackend("onnx", threads === undefined ? {} : { threads });

/** Writes `figures` and the runs where JSON is asked for, says how many runs are missing, and gives the exit code. */
export async function conclude({ runs, records, json, figures }, { report }) {
  if (json !== undefined) {
    const all = records.map(({ run, record }) => ({ ...run, ...record }));
    await writeFile(json, `${JSON.stringify({ confidence: CONFIDENCE, ...figures, runs: all }, null, 2)}\n`);
  }
  const missing = runs.length - records.length;
  if (missing > 0) report.warn(`${missing} of ${runs.length} runs are missing`);
  return missing > 0 ? EXIT.failed : EXIT.ok;
}

/** The page of a comparison, in its store. */
export async function writePage(store, name, page, { report }) {
  await mkdir(store.folder, { recursive: true });
  await writeFileAtomically(store.path(name), page);
  report.note(`page: ${store.path(name)}`);
}

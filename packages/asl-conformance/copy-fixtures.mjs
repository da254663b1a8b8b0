// Before packing, the fixtures of the repository become part of the package; `--remove` afterwards.
import { cpSync, rmSync } from "node:fs";

const FOLDERS = ["ops", "exact", "loss", "models", "metrics", "preprocess"];
/** Checkpoints for tests of readers are no fixtures of backends. */
const isNeeded = (file) => !/checkpoint|state_dicts|expected_infer|train\.json/.test(file);
const target = new URL("./fixtures/", import.meta.url);
rmSync(target, { recursive: true, force: true });
if (!process.argv.includes("--remove")) {
  for (const folder of FOLDERS) {
    cpSync(new URL(`../../fixtures/${folder}/`, import.meta.url), new URL(`${folder}/`, target), {
      recursive: true,
      filter: isNeeded,
    });
  }
}

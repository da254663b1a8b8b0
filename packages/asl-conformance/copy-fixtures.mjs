// Before packing, the fixtures of the repository become part of the package; `--remove` afterwards.
import { cpSync, rmSync } from "node:fs";

const FOLDERS = ["ops", "loss"];
const target = new URL("./fixtures/", import.meta.url);
rmSync(target, { recursive: true, force: true });
if (!process.argv.includes("--remove")) {
  for (const folder of FOLDERS) {
    cpSync(new URL(`../../fixtures/${folder}/`, import.meta.url), new URL(`${folder}/`, target), { recursive: true });
  }
}

#!/usr/bin/env node
import { existsSync } from "node:fs";
import module from "node:module";
import { parseArgs } from "node:util";

/**
 * The published command: `scripts/bundle-infer.mjs` puts it, and of `main.js` what tagging with a checkpoint or an ONNX
 * file on ONNX Runtime needs, into a few files in `dist/bin`. To load hundreds of small modules takes as long as a
 * picture of 448 px. What is seldom asked for runs from the modules as they are, so that optional packages are found
 * from where they are declared.
 */
const { values } = parseArgs({
  strict: false,
  options: { model: { type: "string" }, backend: { type: "string" } },
});
const { model, backend = "onnx" } = values;
const isBundled =
  typeof model === "string" &&
  existsSync(model) &&
  backend === "onnx" &&
  !["serve", "save-annotated"].some((option) => option in values);

// where Node has it (22.8), compiled code is kept for the next time
(module as { enableCompileCache?: () => unknown }).enableCompileCache?.();
if (isBundled) await import("./main.js");
else await import(new URL("../main.js", import.meta.url).href);

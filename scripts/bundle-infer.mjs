// Puts the command asl-infer into a few files, apps/infer/dist/bin (or --out FOLDER): see apps/infer/src/start.ts.
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const ROOT = path.resolve(import.meta.dirname, "..");
const INFER = path.join(ROOT, "apps/infer");

/** Native, and dependencies of asl-infer itself. */
const EXTERNAL = ["onnxruntime-node", "sharp"];

/** Modules that are loaded when needed and are bundled; the others belong to what `start.ts` leaves to `main.js`. */
const LOADED_LATER = [
  "./main.js",
  "./checkpoint-classifier.js",
  "./onnx-classifier.js",
  "asl-onnx/node",
  "../file/zip.js",
  "tinyglobby",
];

const leaveOthersOut = {
  name: "leave-others-out",
  setup: ({ onResolve }) =>
    onResolve({ filter: /./ }, ({ path: imported, kind }) =>
      kind === "dynamic-import" && !LOADED_LATER.includes(imported) ? { path: imported, external: true } : undefined,
    ),
};

/**
 * protobufjs takes whole numbers beyond 2^53 apart with `long`, if it is there: a model has none, and its start takes as
 * long as that of all the rest of protobufjs.
 */
const withoutLong = {
  name: "without-long",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^long$/ }, ({ path: imported }) => ({ path: imported, namespace: "without-long" }));
    onLoad({ filter: /./, namespace: "without-long" }, () => ({ contents: "module.exports = null;" }));
  },
};

/**
 * Writes the bundle into `folder`, whose parent has `main.js`; returns the names of the packages in it. `readable`: with
 * white space and the names of the files that code comes from, which is twice as much to parse.
 */
export async function bundleInfer(folder = path.join(INFER, "dist/bin"), { readable = false } = {}) {
  rmSync(folder, { recursive: true, force: true });
  const { metafile } = await build({
    entryPoints: {
      "asl-infer": path.join(INFER, "dist/start.js"),
      // where the loader looks for it
      worker: path.join(ROOT, "packages/asl-data/dist/loader/worker.js"),
    },
    ...{ outdir: folder, absWorkingDir: ROOT, bundle: true, splitting: true, metafile: true, logLevel: "warning" },
    ...{ platform: "node", format: "esm", target: "node20.19", external: EXTERNAL, legalComments: "inline" },
    plugins: [leaveOthersOut, withoutLong],
    // names stay, for traces
    ...{ minifyWhitespace: !readable, minifySyntax: !readable },
    // for packages in CommonJS
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
    },
  });
  // asl-zoo reads its table from beside its modules' folder
  copyFileSync(path.join(ROOT, "packages/asl-zoo/models.json"), path.join(folder, "../models.json"));
  const packages = packagesOf(Object.keys(metafile.inputs));
  writeFileSync(path.join(folder, "LICENSES.txt"), packages.map(licenceOf).join("\n"));
  return packages.map(({ name }) => name);
}

/** Of other people, in alphabetical order. */
function packagesOf(files) {
  const roots = files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []);
  return [...new Set(roots)]
    .map((root) => ({
      root: path.join(ROOT, root),
      ...JSON.parse(readFileSync(path.join(ROOT, root, "package.json"))),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function licenceOf({ root, name, version, license }) {
  const file = readdirSync(root).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  const text = file === undefined ? "(its package has no licence file)" : readFileSync(path.join(root, file), "utf8");
  return `${name} ${version}: ${license}\n\n${text.trim()}\n${"-".repeat(80)}`;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (!existsSync(path.join(INFER, "dist/start.js"))) throw new Error("apps/infer is not built: run tsc -b first");
  const { values } = parseArgs({ options: { out: { type: "string" }, readable: { type: "boolean" } } });
  await bundleInfer(values.out, values);
}

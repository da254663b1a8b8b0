import { createReadStream, existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DEMO_MODEL = path.join(ROOT, "runs/demo/train/best-ema.safetensors");
const FIXTURES = path.join(ROOT, "fixtures");

/** Files of the repository that the page fetches, by their path in the site. */
function siteFiles(): ReadonlyMap<string, string> {
  const cases = ["ops", "exact"].flatMap((folder) =>
    readdirSync(path.join(FIXTURES, folder))
      .filter((file) => file.endsWith(".json"))
      .map((file) => `${folder}/${file}`),
  );
  return new Map([
    ...(existsSync(DEMO_MODEL) ? [["demo-model.safetensors", DEMO_MODEL] as const] : []),
    ...[...cases, "loss/losses.json"].map((file) => [`fixtures/${file}`, path.join(FIXTURES, file)] as const),
  ]);
}

/** `site.json`: what there is, so that the page need not ask for what is missing. */
const contents = (files: ReadonlyMap<string, string>) =>
  JSON.stringify({
    demoModel: files.has("demo-model.safetensors"),
    fixtures: [...files.keys()].filter((name) => name.startsWith("fixtures/")),
  });

/** Serves these files in development and puts them into the built site. */
function repositoryFiles(): Plugin {
  return {
    name: "repository-files",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const name = new URL(request.url ?? "/", "http://localhost").pathname.slice(1);
        const files = siteFiles();
        const file = files.get(name);
        if (name === "site.json") response.setHeader("content-type", "application/json").end(contents(files));
        else if (file !== undefined) createReadStream(file).pipe(response);
        else next();
      });
    },
    generateBundle() {
      const files = siteFiles();
      this.emitFile({ type: "asset", fileName: "site.json", source: contents(files) });
      for (const [fileName, file] of files) this.emitFile({ type: "asset", fileName, source: readFileSync(file) });
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  appType: "mpa",
  plugins: [repositoryFiles()],
  resolve: {
    // WebAssembly only: the whole bundle brings its own WebGPU and twice the bytes.
    alias: [{ find: /^onnxruntime-web$/, replacement: "onnxruntime-web/wasm" }],
  },
  optimizeDeps: { exclude: ["onnxruntime-web"] },
  worker: { format: "es" },
  build: {
    outDir: "dist/site",
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 1500,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});

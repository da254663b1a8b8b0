import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const { module } = await runnerImport(fileURLToPath(new URL("test/screenshots.ts", import.meta.url)), {
  // Node 20 knows no `await using`.
  oxc: { target: "es2022" },
});
await module.takeScreenshots(fileURLToPath(new URL("dist/screenshots", import.meta.url)));

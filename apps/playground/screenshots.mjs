import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const { module } = await runnerImport(fileURLToPath(new URL("test/screenshots.ts", import.meta.url)));
await module.takeScreenshots(fileURLToPath(new URL("dist/screenshots", import.meta.url)));

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, preview } from "vite";

const APP = fileURLToPath(new URL("..", import.meta.url));

/** The built site, served below a sub path as a static host may do. */
export interface ServedSite extends AsyncDisposable {
  readonly url: string;
}

export async function serveSite(): Promise<ServedSite> {
  const folder = await mkdtemp(path.join(tmpdir(), "asl-playground-"));
  const outDir = path.join(folder, "some/path");
  const configFile = path.join(APP, "vite.config.ts");
  await build({ configFile, logLevel: "warn", build: { outDir, emptyOutDir: true } });
  const server = await preview({
    configFile,
    logLevel: "warn",
    build: { outDir: folder },
    preview: { port: 0, host: "127.0.0.1" },
  });
  const address = server.httpServer.address();
  if (address === null || typeof address === "string") throw new Error("the preview server has no port");
  return {
    url: `http://127.0.0.1:${address.port}/some/path/`,
    async [Symbol.asyncDispose]() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

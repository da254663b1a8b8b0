import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
export const FIXTURES = path.join(ROOT, "fixtures", "models", "tresnet_tiny");

/** A real JPEG that may not be committed, and the numbers that the official implementation gives for it. */
export const PICTURE = path.resolve(ROOT, "../shared/goldens/preprocess/000000000885.jpg");
export const PICTURE_IS_MISSING = !existsSync(PICTURE);

export interface CommandOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a built command line of this repository as a process of its own. */
export const run = (app: "infer" | "export", args: readonly string[], cwd = ROOT): Promise<CommandOutput> =>
  runFile(path.join(ROOT, "apps", app, "dist", "main.js"), args, cwd);

/** Runs a program of Node. */
export function runFile(main: string, args: readonly string[], cwd = ROOT): Promise<CommandOutput> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [main, ...args], { cwd }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") reject(error);
      else resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

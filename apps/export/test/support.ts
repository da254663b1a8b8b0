import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import ort from "onnxruntime-node";
import sharp from "sharp";
import { afterAll } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** A file of the official implementation's numbers. */
export const golden = (...parts: string[]): string => path.join(ROOT, "fixtures", "models", ...parts);

export const CHECKPOINT = golden("tresnet_tiny", "checkpoint.pth");

/** Debian's Python. */
export const PYTHON = "/usr/bin/python3";

export const pythonHas = (...modules: string[]): boolean =>
  spawnSync(PYTHON, ["-c", `import ${modules.join(", ")}`]).status === 0;

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command line. */
export function run(...args: string[]): Promise<Finished> {
  const main = path.join(ROOT, "apps", "export", "dist", "main.js");
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

/** A new folder, removed after the file's tests. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "asl-export-"));
  folders.push(folder);
  return folder;
}

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** A picture of noise. */
export const noise = (width: number, height: number) =>
  sharp({
    create: { width, height, channels: 3, background: "#fff", noise: { type: "gaussian", mean: 128, sigma: 50 } },
  }).png();

/** What a file with preprocessing says of a picture. */
export async function scoresOf(model: string, picture: string): Promise<readonly number[]> {
  const session = await ort.InferenceSession.create(model);
  const { data, info } = await sharp(picture).raw().toBuffer({ resolveWithObject: true });
  const images = new ort.Tensor("uint8", data, [1, info.height, info.width, 3]);
  const { scores } = await session.run({ images });
  return Array.from(scores!.data as Float32Array);
}

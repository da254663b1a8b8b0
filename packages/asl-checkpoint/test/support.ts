import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { f32, type TensorData, type Tensors } from "asl-core";
import { afterEach } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** A committed fixture, made by fixtures/generate/checkpoint.py. */
export const fixture = (name: string): string => path.join(ROOT, "fixtures/checkpoint", name);

/** Numbers of the official implementation. */
export const golden = (name: string): string => path.join(ROOT, "fixtures/models", name);

/** Published scores of a TResNet-XL on COCO. */
export const PUBLISHED_SCORES = path.join(ROOT, "fixtures/metrics/coco_tresnet_xl_scores.npz");

/** A folder of its own for a test, removed afterwards. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "asl-checkpoint-"));
  folders.push(folder);
  return folder;
}

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

export const filesIn = async (folder: string): Promise<string[]> => (await readdir(folder)).sort();

/** The error of a promise that must fail. */
export async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("it should have failed");
}

export const values = (tensor: TensorData | undefined): number[] => Array.from(tensor?.data ?? [Number.NaN]);

/** Bits, so that -0 differs from 0 and NaN equals NaN. */
export const bitsOf = (tensor: TensorData): Buffer =>
  Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);

/** The least that is recognised as a TResNet. */
export function tinyTresnet(classes = 3): Tensors {
  const layers = [1, 2, 3, 4].map((layer): [string, TensorData] => [
    `body.layer${layer}.0.conv1.0.weight`,
    f32([1, 1, 1, 1], [layer]),
  ]);
  return {
    "body.conv1.0.weight": f32([2, 48, 1, 1], new Float32Array(96).fill(1)),
    ...Object.fromEntries(layers),
    "head.fc.weight": f32([classes, 2], new Float32Array(2 * classes)),
    "head.fc.bias": f32([classes], new Float32Array(classes)),
  };
}

/** A tensor in the header of a safetensors file, right or wrong. */
export const headerEntry = (dtype: string, shape: unknown, offsets: unknown): string =>
  JSON.stringify({ dtype, shape, data_offsets: offsets });

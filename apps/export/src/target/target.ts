import path from "node:path";
import { type OpenedModel, writeFolderAtomically } from "asl-cli";
import { javascriptFolder } from "./javascript.js";
import { tritonFolder } from "./triton.js";

export const TARGETS = ["web", "node", "triton"] as const;
export type Target = (typeof TARGETS)[number];

/** Programs for people who have a picture, not a tensor: the graph does all that is to be done with it. */
export const takesPictures = (target: Target | undefined): boolean => target === "web" || target === "node";

/** Where the .onnx file lies in a target's folder. */
export const modelFileIn = (folder: string, target: Target): string =>
  path.join(folder, target === "triton" ? "1/model.onnx" : "model.onnx");

/** Writes all that a deployment needs, as a whole or not at all; returns the names of the files in the folder. */
export async function writeTarget(
  folder: string,
  target: Target,
  bytes: Uint8Array,
  model: OpenedModel,
): Promise<readonly string[]> {
  const files =
    target === "triton"
      ? tritonFolder(bytes, path.basename(path.resolve(folder)), model.classNames)
      : await javascriptFolder(target, bytes, model);
  await writeFolderAtomically(folder, files);
  return [...files.keys()];
}

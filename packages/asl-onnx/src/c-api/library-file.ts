import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const FILE_NAMES: Readonly<Partial<Record<NodeJS.Platform, RegExp>>> = {
  linux: /^libonnxruntime\.so\.1$/,
  darwin: /^libonnxruntime\.1\.\d+\.\d+\.dylib$/,
  win32: /^onnxruntime\.dll$/,
};

/**
 * The library that onnxruntime-node brings for this platform: the one that its own binding loads, so that a process never
 * holds two. Throws when there is none.
 */
export function libraryFile(): string {
  const { platform, arch } = process;
  const fileName = FILE_NAMES[platform];
  if (fileName === undefined || (arch !== "x64" && arch !== "arm64")) {
    throw new Error(`onnxruntime-node has no library for ${platform} ${arch}`);
  }
  const manifest = createRequire(import.meta.url).resolve("onnxruntime-node/package.json");
  const folder = path.join(path.dirname(manifest), "bin", "napi-v6", platform, arch);
  const found = readdirSync(folder).find((name) => fileName.test(name));
  if (found === undefined) throw new Error(`${folder} has no file ${fileName.source}`);
  return path.join(folder, found);
}

import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import util from "node:util";
import { AslError } from "asl-core";
import type { TensorFlow } from "./tensorflow.js";

const require = createRequire(import.meta.url);

/** Loads one of the packages around TensorFlow's C library. Throws AslError that says what is missing. */
export function loadNative(packageName: string): TensorFlow {
  const refuse = (reason: string, cause?: unknown) =>
    new AslError("ERR_ASL_BACKEND", `${packageName} cannot be loaded: ${reason}`, { cause });
  const folder = folderOf(packageName);
  if (folder === undefined) throw refuse(`it is not installed; npm install ${packageName}`);
  // Looked for beforehand: the package registers its kernels, for another package's backend too, before it fails.
  if (!hasAddOn(folder)) {
    throw refuse(
      "its native add-on is not there. The package's install script fetches it together with TensorFlow's C library; " +
        "where install scripts do not run (pnpm: allowBuilds) or that download is blocked, build it from source " +
        "(see the README of asl-tfjs)",
    );
  }
  // The package calls a function that warns on Node 22 and that Node 23 removed.
  Object.assign(util, { isNullOrUndefined: (value: unknown) => value === null || value === undefined });
  // TensorFlow's C++ reads it when it is loaded: warnings and errors only.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "1";
  try {
    return require(packageName) as TensorFlow;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw refuse(message.split("\n")[0]!, cause);
  }
}

/** Whether the package and its native add-on are there; they may still fail to load. */
export function isNativeInstalled(packageName: string): boolean {
  const folder = folderOf(packageName);
  return folder !== undefined && hasAddOn(folder);
}

function folderOf(packageName: string): string | undefined {
  try {
    return path.dirname(require.resolve(`${packageName}/package.json`));
  } catch {
    return undefined;
  }
}

/** The add-on lies in lib/napi-v8 or the like, by the version of Node-API that it was built for. */
function hasAddOn(folder: string): boolean {
  const lib = path.join(folder, "lib");
  return existsSync(lib) && readdirSync(lib).some((napi) => existsSync(path.join(lib, napi, "tfjs_binding.node")));
}

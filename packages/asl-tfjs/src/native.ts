import { createRequire } from "node:module";
import util from "node:util";
import { AslError } from "asl-core";
import type { TensorFlow } from "./tensorflow.js";

const require = createRequire(import.meta.url);

/** Loads one of the packages around TensorFlow's C library. Throws AslError that says what is missing. */
export function loadNative(packageName: string): TensorFlow {
  // The package calls a function that Node 23 removed.
  if (!("isNullOrUndefined" in util)) {
    Object.assign(util, { isNullOrUndefined: (value: unknown) => value === null || value === undefined });
  }
  // TensorFlow's C++ reads it when it is loaded: warnings and errors only.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "1";
  try {
    return require(packageName) as TensorFlow;
  } catch (cause) {
    const message = `${packageName} cannot be loaded: ${reasonOf(packageName, cause)}`;
    throw new AslError("ERR_ASL_BACKEND", message, { cause });
  }
}

function reasonOf(packageName: string, cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const [firstLine] = message.split("\n");
  if (message.includes("tfjs_binding")) {
    return (
      "its native add-on is not there. The package's install script fetches it together with TensorFlow's C library; " +
      "where install scripts do not run (pnpm: allowBuilds) or that download is blocked, build it from source " +
      "(see the README of asl-tfjs)"
    );
  }
  if (message.includes(`Cannot find module '${packageName}'`)) return `it is not installed; npm install ${packageName}`;
  return firstLine!;
}

import { AslError } from "asl-core";
import * as onnxruntimeNode from "onnxruntime-node";
import { writesIntoOutputs } from "./preallocation.js";
import type { OnnxRuntime } from "./tensors.js";

/** What calls the library of onnxruntime-node: this package, through its C interface with koffi, or its own add-on. */
export type Binding = "c" | "node";

let opened: Promise<OnnxRuntime> | undefined;

/** onnxruntime-node's library through one of its bindings. Throws an AslError when `c` is asked for and cannot be had. */
export function nodeRuntime(binding: Binding = "node"): Promise<OnnxRuntime> {
  return binding === "node" ? Promise.resolve(onnxruntimeNode) : cRuntime();
}

/** Opened and tried once. */
function cRuntime(): Promise<OnnxRuntime> {
  opened ??= triedCRuntime().catch((cause) => {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new AslError("ERR_ASL_BACKEND", `the C interface of onnxruntime-node (binding "c"): ${detail}`, { cause });
  });
  return opened;
}

async function triedCRuntime(): Promise<OnnxRuntime> {
  // seldom asked for, and not small
  const { openCRuntime } = await import("../c-api/runtime.js");
  const runtime = await openCRuntime();
  if (!(await writesIntoOutputs(runtime))) throw new Error("it does not write into the memory of outputs");
  return runtime;
}

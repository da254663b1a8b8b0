import { AslError } from "asl-core";
import * as onnxruntimeNode from "onnxruntime-node";
import type { RuntimeOptions } from "./options.js";
import { writesIntoOutputs } from "./preallocation.js";
import { declineTelemetry } from "./telemetry.js";
import type { OnnxRuntime } from "./tensors.js";

/** What calls the library of onnxruntime-node: this package, through its C interface with koffi, or its own add-on. */
export type Binding = "c" | "node";

export interface BindingOptions extends Pick<RuntimeOptions, "provider" | "sessionOptions"> {
  /** What calls the library of onnxruntime-node; default: `c` where it can be had and has the other options. */
  readonly binding?: Binding;
}

let opened: Promise<OnnxRuntime> | undefined;

/** onnxruntime-node's library through one of its bindings. Throws an AslError when `c` is asked for and cannot be had. */
export async function nodeRuntime(options: BindingOptions): Promise<OnnxRuntime> {
  declineTelemetry();
  const { binding } = options;
  if (binding === "c") return cRuntime();
  if (binding === "node" || onlyOfAddOn(options)) return onnxruntimeNode;
  return cRuntime().catch(() => onnxruntimeNode);
}

/** Other processors than the one that computes for Node are left to the add-on. */
const onlyOfAddOn = ({ provider = "cpu", sessionOptions: own = {} }: BindingOptions): boolean =>
  provider !== "cpu" ||
  own.executionProviders !== undefined ||
  own.preferredOutputLocation !== undefined ||
  own.enableGraphCapture !== undefined;

/** Opened and tried once. */
function cRuntime(): Promise<OnnxRuntime> {
  opened ??= triedCRuntime().catch((cause) => {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new AslError("ERR_ASL_BACKEND", `the C interface of onnxruntime-node (binding "c"): ${detail}`, { cause });
  });
  return opened;
}

async function triedCRuntime(): Promise<OnnxRuntime> {
  // scripts/bundle-infer.mjs leaves it out: where every millisecond of the start counts, the add-on is there already
  const { openCRuntime } = await import("../c-api/runtime.js");
  const runtime = await openCRuntime();
  if (!(await writesIntoOutputs(runtime))) throw new Error("it does not write into the memory of outputs");
  return runtime;
}

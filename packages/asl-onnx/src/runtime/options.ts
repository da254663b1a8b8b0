import type { InferenceSession } from "onnxruntime-common";

export interface RuntimeOptions {
  /** Threads of one operator; the runtime's own choice when undefined. */
  readonly threads?: number;
  /** Merged over the defaults below. */
  readonly sessionOptions?: InferenceSession.SessionOptions;
}

/**
 * Session options as measured on two cores: operators one after another, threads that sleep instead of spinning.
 * `training` graphs change their weights at each run, so that layout optimisation ("all") has nothing to prepare.
 */
export function sessionOptions(
  kind: "training" | "inference",
  { threads, sessionOptions: own = {} }: RuntimeOptions,
): InferenceSession.SessionOptions {
  return {
    graphOptimizationLevel: kind === "training" ? "extended" : "all",
    executionMode: "sequential",
    logSeverityLevel: 4,
    extra: { session: { intra_op: { allow_spinning: "0" } } },
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    ...own,
  };
}

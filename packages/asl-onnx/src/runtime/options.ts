import type { InferenceSession } from "onnxruntime-common";

export interface RuntimeOptions {
  /** Threads of one operator; the runtime's own choice when undefined. */
  readonly threads?: number;
  /** Merged over the defaults below. */
  readonly sessionOptions?: InferenceSession.SessionOptions;
}

/**
 * Session options as measured on two cores: operators one after another, threads that sleep instead of spinning.
 * `training`: the graph is already in the form that runs fastest. ONNX Runtime's TransposeOptimizer (always there in
 * "extended") would merge the cheap steps in which it turns its weights into one slow transpose, and "all" prepares
 * constant weights, of which there are none.
 */
export function sessionOptions(
  kind: "training" | "inference",
  { threads, sessionOptions: own = {} }: RuntimeOptions,
): InferenceSession.SessionOptions {
  return {
    graphOptimizationLevel: kind === "training" ? "basic" : "all",
    executionMode: "sequential",
    logSeverityLevel: 4,
    extra: {
      session: { intra_op: { allow_spinning: "0" } },
      ...(kind === "training" ? { optimization: { disable_specified_optimizers: "TransposeOptimizer" } } : {}),
    },
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    ...own,
  };
}

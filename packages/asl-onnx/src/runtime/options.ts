import type { InferenceSession } from "onnxruntime-common";

/** Execution providers of ONNX Runtime: its own kernels on the processor, or a GPU with the processor for the rest. */
export type Provider = "cpu" | "webgpu";

export interface RuntimeOptions {
  /** Threads of one operator; the runtime's own choice when undefined. */
  readonly threads?: number;
  /** What runs the nodes. Default: cpu. */
  readonly provider?: Provider;
  /** Merged over the defaults below. */
  readonly sessionOptions?: InferenceSession.SessionOptions;
}

/**
 * How threads wait for the next operator's work: awake, for it comes within microseconds, and to wake a thread takes as long.
 * After a millisecond they sleep, so that what follows a run has the cores to itself; a version of ONNX Runtime that does
 * not know the limit lets them spin for longer.
 */
const WAITING = { allow_spinning: "1", spin_duration_us: "1000", spin_backoff_max: "8" };

/**
 * Session options as measured on two cores: operators one after another.
 * `training`: the graph is already in the form that runs fastest. ONNX Runtime's TransposeOptimizer (always there in
 * "extended") would merge the cheap steps in which it turns its weights into one slow transpose, and "all" prepares
 * constant weights, of which there are none. Without memory patterns, which lay all tensors of a run into one block as it
 * first saw them: the block comes on top of what the first run took, and outlives it.
 * `onProcessor`: names of nodes that a GPU must not have.
 */
export function sessionOptions(
  kind: "training" | "inference",
  { threads, provider = "cpu", sessionOptions: own = {} }: RuntimeOptions,
  onProcessor: readonly string[] = [],
): InferenceSession.SessionOptions {
  return {
    graphOptimizationLevel: kind === "training" ? "basic" : "all",
    executionMode: "sequential",
    enableMemPattern: kind === "inference",
    logSeverityLevel: 4,
    extra: {
      session: { intra_op: WAITING },
      ...(kind === "training"
        ? { optimization: { disable_specified_optimizers: "TransposeOptimizer;GemmTransposeFusion" } }
        : {}),
    },
    ...EXECUTION_PROVIDERS[provider](onProcessor),
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    ...own,
  };
}

const EXECUTION_PROVIDERS: Readonly<
  Record<Provider, (onProcessor: readonly string[]) => InferenceSession.SessionOptions>
> = {
  cpu: () => ({}),
  webgpu: (names) => ({
    executionProviders: [
      // it refuses an empty list
      { name: "webgpu", preferredLayout: "NCHW", ...(names.length === 0 ? {} : { forceCpuNodeNames: names }) },
    ],
  }),
};

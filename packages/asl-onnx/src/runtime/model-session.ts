import { AslError } from "asl-core";
import type { InferenceSession, Tensor } from "onnxruntime-common";
import { encodeModel, splitModel } from "../proto/encode.js";
import type { ModelProto } from "../proto/messages.js";
import { takesExternalData } from "./external-data.js";
import type { OnnxRuntime, RuntimeSession } from "./tensors.js";
import { inTurn } from "./turns.js";

/** An error of ONNX Runtime with the name of what ran. The runtime's message names the node, which carries its scope. */
export function runtimeError(what: string, action: string, cause: unknown): AslError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new AslError("ERR_ASL_BACKEND", `${what}: ONNX Runtime could not ${action}: ${detail}`, { cause });
}

interface Encoded extends Pick<InferenceSession.SessionOptions, "externalData"> {
  readonly source: Uint8Array;
}

/** Bytes of weights from which on it matters that they are not copied: a copy of less is cheaper than the first try. */
const WORTH_A_TRY = 2 ** 24;

/** A model as bytes; where the runtime can, with large weights beside them instead of a copy. */
async function encoded(
  runtime: OnnxRuntime,
  model: ModelProto,
  { executionProviders }: InferenceSession.SessionOptions,
): Promise<Encoded> {
  const weights = model.graph.initializer.reduce((sum, { rawData }) => sum + rawData.byteLength, 0);
  // tried on the processor only
  const splits = weights >= WORTH_A_TRY && executionProviders === undefined && (await takesExternalData(runtime));
  if (!splits) return { source: encodeModel(model) };
  const { bytes, externalData } = splitModel(model);
  return { source: bytes, externalData };
}

/** One loaded model. */
export class ModelSession {
  private constructor(
    readonly what: string,
    private readonly runtime: OnnxRuntime,
    private readonly session: RuntimeSession,
  ) {}

  static async load(
    runtime: OnnxRuntime,
    what: string,
    model: ModelProto | Uint8Array | string,
    options: InferenceSession.SessionOptions,
  ): Promise<ModelSession> {
    try {
      const isFile = typeof model === "string" || model instanceof Uint8Array;
      const { source, ...beside } = isFile ? { source: model } : await encoded(runtime, model, options);
      const create = (): Promise<RuntimeSession> =>
        typeof source === "string"
          ? runtime.InferenceSession.create(source, options)
          : runtime.InferenceSession.create(source, { ...options, ...beside });
      return new ModelSession(what, runtime, await inTurn(runtime, create));
    } catch (cause) {
      if (cause instanceof AslError) throw cause;
      throw runtimeError(what, "load the model", cause);
    }
  }

  /** Runs the model. `fetches` names the outputs, each with a tensor to write into or null. */
  async run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches: Readonly<Record<string, Tensor | null>>,
  ): Promise<Readonly<Record<string, Tensor>>> {
    try {
      const results = await inTurn(this.runtime, () => this.session.run(feeds, fetches));
      return results as Readonly<Record<string, Tensor>>;
    } catch (cause) {
      throw runtimeError(this.what, "run", cause);
    }
  }

  async release(): Promise<void> {
    // Writes the profile when the session was made with enableProfiling.
    this.session.endProfiling();
    await inTurn(this.runtime, () => this.session.release());
  }
}

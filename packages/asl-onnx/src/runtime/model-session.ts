import { AslError } from "asl-core";
import type { InferenceSession, Tensor } from "onnxruntime-common";
import { encodeModel } from "../proto/codec.js";
import type { ModelProto } from "../proto/messages.js";
import type { OnnxRuntime } from "./tensors.js";
import { inTurn } from "./turns.js";

/** An error of ONNX Runtime with the name of what ran. The runtime's message names the node, which carries its scope. */
export function runtimeError(what: string, action: string, cause: unknown): AslError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new AslError("ERR_ASL_BACKEND", `${what}: ONNX Runtime could not ${action}: ${detail}`, { cause });
}

/** One loaded model. */
export class ModelSession {
  private constructor(
    readonly what: string,
    private readonly runtime: OnnxRuntime,
    private readonly session: InferenceSession,
  ) {}

  static async load(
    runtime: OnnxRuntime,
    what: string,
    model: ModelProto | Uint8Array | string,
    options: InferenceSession.SessionOptions,
  ): Promise<ModelSession> {
    try {
      const source = typeof model === "string" || model instanceof Uint8Array ? model : encodeModel(model);
      const create = (): Promise<InferenceSession> =>
        typeof source === "string"
          ? runtime.InferenceSession.create(source, options)
          : runtime.InferenceSession.create(source, options);
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

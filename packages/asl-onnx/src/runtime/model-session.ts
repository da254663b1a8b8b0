import { AslError } from "asl-core";
import type { InferenceSession, Tensor } from "onnxruntime-common";
import { encodeModel } from "../proto/codec.js";
import type { ModelProto } from "../proto/messages.js";
import type { OnnxRuntime } from "./tensors.js";

/** An error of ONNX Runtime with the name of what ran. The runtime's message names the node, which carries its scope. */
export function runtimeError(what: string, action: string, cause: unknown): AslError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new AslError("ERR_ASL_BACKEND", `${what}: ONNX Runtime could not ${action}: ${detail}`, { cause });
}

/** One loaded model. */
export class ModelSession {
  private constructor(
    readonly what: string,
    private readonly session: InferenceSession,
  ) {}

  static async load(
    runtime: OnnxRuntime,
    what: string,
    model: ModelProto | Uint8Array | string,
    options: InferenceSession.SessionOptions,
  ): Promise<ModelSession> {
    try {
      if (typeof model === "string")
        return new ModelSession(what, await runtime.InferenceSession.create(model, options));
      const bytes = model instanceof Uint8Array ? model : encodeModel(model);
      return new ModelSession(what, await runtime.InferenceSession.create(bytes, options));
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
      return (await this.session.run(feeds, fetches)) as Readonly<Record<string, Tensor>>;
    } catch (cause) {
      throw runtimeError(this.what, "run", cause);
    }
  }

  async release(): Promise<void> {
    // Writes the profile when the session was made with enableProfiling.
    this.session.endProfiling();
    await this.session.release();
  }
}

import { Tensor } from "onnxruntime-node";
import type { OnnxRuntime } from "../runtime/tensors.js";
import { openLibrary } from "./library.js";
import { libraryFile } from "./library-file.js";
import { CSession } from "./session.js";

/**
 * ONNX Runtime through the C interface of the library that onnxruntime-node brings. Unlike its own binding it writes
 * outputs into the memory that it is given, takes memory that threads share, and computes on another thread, so that the
 * event loop goes on. Throws where koffi or the library cannot be loaded.
 */
export async function openCRuntime(): Promise<OnnxRuntime> {
  const { default: koffi } = await import("koffi");
  const library = openLibrary(koffi, libraryFile());
  return {
    Tensor,
    InferenceSession: {
      create: async (model: string | Uint8Array, options = {}) => CSession.create(library, model, options),
    },
  };
}

import { InputError } from "asl-core";
import type { ModelProto } from "./messages.js";
import { decodeMessage } from "./read-message.js";

/** Reads the bytes of an `.onnx` file. Throws InputError when they are not an ONNX model. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  let model: Partial<ModelProto>;
  try {
    model = decodeMessage("ModelProto", bytes);
  } catch (cause) {
    throw new InputError(`not an ONNX model: ${bytes.length} bytes that do not parse as protobuf`, { cause });
  }
  if (model.graph === undefined || model.irVersion === undefined) {
    throw new InputError(`not an ONNX model: ${bytes.length} bytes without an ir_version or a graph`);
  }
  return model as ModelProto;
}

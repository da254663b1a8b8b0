import { InputError } from "asl-core";
import type { ModelProto } from "./messages.js";
import { MODEL_TYPE } from "./schema.js";

/** Protobuf's own limit for one message. */
const MAXIMUM_BYTES = 2 ** 31 - 1;

/**
 * The bytes of an `.onnx` file. Tensor contents are written as raw bytes, one copy each.
 * Throws InputError when the model is over protobuf's 2 GiB.
 */
export function encodeModel(model: ModelProto): Uint8Array {
  const bytes = model.graph.initializer.reduce((sum, tensor) => sum + tensor.rawData.byteLength, 0);
  if (bytes > MAXIMUM_BYTES) {
    throw new InputError(`ONNX model "${model.graph.name}": ${bytes} bytes of weights; one file holds at most 2 GiB`);
  }
  return MODEL_TYPE.encode(MODEL_TYPE.create({ ...model })).finish();
}

/** Reads the bytes of an `.onnx` file. Throws InputError when they are not an ONNX model. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  let model: ReturnType<typeof MODEL_TYPE.decode>;
  try {
    model = MODEL_TYPE.decode(bytes);
  } catch (cause) {
    throw new InputError(`not an ONNX model: ${bytes.length} bytes that do not parse as protobuf`, { cause });
  }
  const plain = MODEL_TYPE.toObject(model, { longs: Number, arrays: true }) as Partial<ModelProto>;
  if (plain.graph === undefined || plain.irVersion === undefined) {
    throw new InputError(`not an ONNX model: ${bytes.length} bytes without an ir_version or a graph`);
  }
  return plain as ModelProto;
}

import { InputError } from "asl-core";
import protobuf from "protobufjs/light.js";
import { FIELDS } from "./fields.js";
import type { ModelProto } from "./messages.js";

/** Presence is explicit, because ONNX distinguishes an absent 0 from a 0. */
const EXPLICIT = { options: { features: { field_presence: "EXPLICIT" } } };

const messages = Object.fromEntries(
  Object.entries(FIELDS).map(([message, fields]) => [
    message,
    {
      fields: Object.fromEntries(
        Object.entries(fields).map(([name, field]) => [
          name,
          field.rule === undefined ? { ...field, ...EXPLICIT } : { ...field },
        ]),
      ),
    },
  ]),
);

/** The reflected type of a whole model. */
export const MODEL_TYPE: protobuf.Type = protobuf.Root.fromJSON({ nested: messages }).lookupType("ModelProto");

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

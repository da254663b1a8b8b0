import { type DType, InputError } from "asl-core";
import { DATA_TYPE, type ModelProto, type ValueInfoProto } from "../proto/messages.js";

/** Type of a model's input or output; a string is a symbolic extent, "?" an unknown one. */
export interface OnnxValueType {
  /** `u8`: bytes, of decoded pictures. */
  readonly dtype: DType | "u8";
  readonly shape: readonly (number | string)[];
}

export interface OnnxMetadata {
  /** The model's metadata_props. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, OnnxValueType>>;
  readonly outputs: Readonly<Record<string, OnnxValueType>>;
  /** Version of ONNX's own operator set. */
  readonly opset: number;
  readonly producerName: string;
  readonly producerVersion: string;
}

export function metadataOf(model: ModelProto): OnnxMetadata {
  const initializers = new Set(model.graph.initializer.map(({ name }) => name));
  return {
    metadata: Object.fromEntries((model.metadataProps ?? []).map(({ key, value }) => [key ?? "", value ?? ""])),
    inputs: typesOf(model.graph.input.filter(({ name }) => !initializers.has(name))),
    outputs: typesOf(model.graph.output),
    opset: model.opsetImport.find(({ domain }) => (domain ?? "") === "")?.version ?? 0,
    producerName: model.producerName ?? "",
    producerVersion: model.producerVersion ?? "",
  };
}

const DTYPES: Readonly<Record<number, OnnxValueType["dtype"]>> = {
  [DATA_TYPE.uint8]: "u8",
  [DATA_TYPE.float]: "f32",
  [DATA_TYPE.int32]: "i32",
  [DATA_TYPE.bool]: "bool",
};

function typesOf(infos: readonly ValueInfoProto[]): Record<string, OnnxValueType> {
  return Object.fromEntries(infos.map((info) => [info.name, typeOf(info)]));
}

function typeOf({ name, type }: ValueInfoProto): OnnxValueType {
  const dtype = DTYPES[type.tensorType.elemType];
  if (dtype === undefined) {
    throw new InputError(
      `ONNX model: "${name}" has element type ${type.tensorType.elemType}; known are float, int32, bool, uint8`,
    );
  }
  return {
    dtype,
    shape: (type.tensorType.shape?.dim ?? []).map(({ dimValue, dimParam }) => dimValue ?? dimParam ?? "?"),
  };
}

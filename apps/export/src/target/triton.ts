import { InputError } from "asl-core";
import { type OnnxMetadata, type OnnxValueType, PREPROCESSED, readOnnxMetadata } from "asl-onnx";
import { EnumValue, printTextProto, type TextMessage } from "./text-proto.js";

/** Most pictures that Triton puts into one batch of a model that takes any number; for its owner to change. */
const MAX_BATCH_SIZE = 8;

/** Microseconds that Triton waits for a batch to fill: that of `asl-infer --serve`. */
const QUEUE_DELAY = 2_000;

const DATA_TYPES: Readonly<Record<OnnxValueType["dtype"], string>> = {
  u8: "TYPE_UINT8",
  f32: "TYPE_FP32",
  i32: "TYPE_INT32",
  bool: "TYPE_BOOL",
};

const LABELS_FILE = "labels.txt";

/**
 * A model's folder of a Triton model repository: config.pbtxt with the types of the file's own inputs and outputs, the
 * names of the classes for the classification extension, and the file as version 1.
 */
export function tritonFolder(
  model: Uint8Array,
  name: string,
  labels: readonly string[],
): ReadonlyMap<string, Uint8Array | string> {
  return new Map<string, Uint8Array | string>([
    ["config.pbtxt", tritonConfig(readOnnxMetadata(model), name)],
    [LABELS_FILE, labelLines(labels)],
    ["1/model.onnx", model],
  ]);
}

/** config.pbtxt: message ModelConfig of Triton's model_config.proto. */
export function tritonConfig({ inputs, outputs }: Pick<OnnxMetadata, "inputs" | "outputs">, name: string): string {
  const types = [...Object.values(inputs), ...Object.values(outputs)];
  // with a batch size of its own Triton leaves the first extent out of dims; of a fixed batch it must not know
  const isDynamic = types.every(({ shape: [batch] }) => typeof batch === "string");
  const ends = (values: typeof inputs): TextMessage[] =>
    Object.entries(values).map(([end, { dtype, shape }]) => ({
      name: end,
      data_type: new EnumValue(DATA_TYPES[dtype]),
      dims: (isDynamic ? shape.slice(1) : shape).map((extent) => (typeof extent === "number" ? extent : -1)),
      label_filename: end === "logits" || end === PREPROCESSED.scores ? LABELS_FILE : undefined,
    }));
  return printTextProto({
    name,
    backend: "onnxruntime",
    max_batch_size: isDynamic ? MAX_BATCH_SIZE : 0,
    input: ends(inputs),
    output: ends(outputs),
    dynamic_batching: isDynamic ? { max_queue_delay_microseconds: QUEUE_DELAY } : undefined,
  });
}

/** Throws InputError for a name that is more than a line. */
function labelLines(labels: readonly string[]): string {
  const broken = labels.find((label) => /[\r\n]/.test(label));
  if (broken !== undefined) {
    throw new InputError(`--target triton: class ${JSON.stringify(broken)} does not fit into a line of ${LABELS_FILE}`);
  }
  return `${labels.join("\n")}\n`;
}

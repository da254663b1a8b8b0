export { LOWER, type Lower } from "./lower/table.js";
export { IR_VERSION, type OnnxModel, type OnnxModelOptions, OPSET, toOnnxModel } from "./model.js";
export { decodeModel, encodeModel } from "./proto/codec.js";
export type { GraphProto, ModelProto, NodeProto, TensorProto } from "./proto/messages.js";
export { type OnnxBackendOptions, onnxBackend } from "./runtime/backend.js";
export type { RuntimeOptions } from "./runtime/options.js";
export type { OnnxRuntime } from "./runtime/tensors.js";

export {
  type ClassifierMetadata,
  encodeClassifierMetadata,
  type ParsedClassifierMetadata,
  parseClassifierMetadata,
} from "./export/classifier-metadata.js";
export { type ExportOptions, exportModel, exportOnnx } from "./export/export.js";
export { toFloat16 } from "./export/float16.js";
export type { OnnxMetadata, OnnxValueType } from "./export/metadata.js";
export { PREPROCESSED, type PreprocessOptions, withPreprocess } from "./export/preprocess.js";
export { readOnnxMetadata } from "./export/read-metadata.js";
export { STANDARD_FUSIONS } from "./fusions/standard.js";
export type { Fusion, FusionRule } from "./lower/fusion.js";
export { ONNX_OPERATORS, type OnnxOperator } from "./lower/operators.js";
export { NO_QUIRKS, type Quirks } from "./lower/quirks.js";
export { LOWER, type Lower } from "./lower/table.js";
export { IR_VERSION, type OnnxModel, type OnnxModelOptions, OPSET, toOnnxModel } from "./model.js";
export { decodeModel } from "./proto/decode.js";
export { encodeModel } from "./proto/encode.js";
export type { GraphProto, ModelProto, NodeProto, TensorProto } from "./proto/messages.js";
export { passesOf as calibrationPasses } from "./quantize/calibrate.js";
export {
  type QuantizationReport,
  type QuantizedLayer,
  type QuantizeOptions,
  type QuantizeProgress,
  quantizeOnnx,
} from "./quantize/quantize.js";
export { CALIBRATION_METHODS, type CalibrationMethod } from "./quantize/ranges.js";
export type { WeightBits } from "./quantize/scales.js";
export { type OnnxBackendOptions, onnxBackend } from "./runtime/backend.js";
export {
  type ByteTensor,
  type ModelInputs,
  type OnnxModelSession,
  type OpenOptions,
  openOnnxModel,
} from "./runtime/open-model.js";
export type { Provider, RuntimeOptions } from "./runtime/options.js";
export type { OnnxRuntime } from "./runtime/tensors.js";

export {
  type Agreement,
  type AgreementOptions,
  agreementBound,
  CHECKED_BATCHES,
  convolutionDepth,
  measureAgreement,
  scoreBound,
} from "./agreement.js";
export { buildOnnx, type GraphOptions, preprocessed } from "./build-onnx.js";
export { checkCombination, FORMATS, type Format, formatOf, type OutputOptions } from "./combinations.js";
export { type ExportOptions, exportCommand, exportModel } from "./command.js";
export { exportSafetensors, type SafetensorsExport } from "./export-safetensors.js";
export { calibrationPictures, exportInt8, type Int8Export, type Int8Options } from "./int8.js";
export type { MeasuredMap } from "./measure-map.js";
export { onnxMetadata } from "./onnx-metadata.js";
export { TARGETS, type Target, writeTarget } from "./target/target.js";
export { EnumValue, printTextProto, type TextMessage, type TextValue } from "./target/text-proto.js";
export { tritonConfig } from "./target/triton.js";

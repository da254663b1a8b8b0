export {
  type Agreement,
  type AgreementOptions,
  agreementBound,
  CHECKED_BATCHES,
  convolutionDepth,
  measureAgreement,
} from "./agreement.js";
export { buildOnnx } from "./build-onnx.js";
export { checkCombination, FORMATS, type Format, formatOf, type OutputOptions } from "./combinations.js";
export { type ExportOptions, exportCommand, exportModel } from "./command.js";
export { exportSafetensors, type SafetensorsExport } from "./export-safetensors.js";
export { onnxMetadata } from "./onnx-metadata.js";

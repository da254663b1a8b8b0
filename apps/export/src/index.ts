export {
  type Agreement,
  type AgreementOptions,
  agreementBound,
  CHECKED_BATCHES,
  convolutionDepth,
  measureAgreement,
} from "./agreement.js";
export { buildOnnx } from "./build-onnx.js";
export { type ExportOptions, exportCommand, exportModel } from "./command.js";
export { onnxMetadata } from "./onnx-metadata.js";

/** `OrtErrorCode` of onnxruntime_c_api.h, in its order. */
const CODES = [
  "ORT_OK",
  "ORT_FAIL",
  "ORT_INVALID_ARGUMENT",
  "ORT_NO_SUCHFILE",
  "ORT_NO_MODEL",
  "ORT_ENGINE_ERROR",
  "ORT_RUNTIME_EXCEPTION",
  "ORT_INVALID_PROTOBUF",
  "ORT_MODEL_LOADED",
  "ORT_NOT_IMPLEMENTED",
  "ORT_INVALID_GRAPH",
  "ORT_EP_FAIL",
  "ORT_MODEL_LOAD_CANCELED",
  "ORT_MODEL_REQUIRES_COMPILATION",
  "ORT_NOT_FOUND",
] as const;

/** What a function of ONNX Runtime refused, with its own words. */
export class OrtError extends Error {
  override readonly name = "OrtError";
  readonly code: string;

  constructor(code: number, message: string) {
    super(message);
    this.code = CODES[code] ?? `ORT_${code}`;
  }
}

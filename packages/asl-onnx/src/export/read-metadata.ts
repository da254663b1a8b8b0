import { decodeModel } from "../proto/decode.js";
import { metadataOf, type OnnxMetadata } from "./metadata.js";

/** Metadata and signature of an `.onnx` file. Throws InputError when the bytes are not one. */
export const readOnnxMetadata = (bytes: Uint8Array): OnnxMetadata => metadataOf(decodeModel(bytes));

import type { OpenedModel } from "asl-cli";
import { evaluateProgram } from "asl-core";
import { decodeModel, encodeModel, exportOnnx, toFloat16, withPreprocess } from "asl-onnx";
import { onnxMetadata } from "./onnx-metadata.js";

export interface GraphOptions {
  /** Weights and graph in float16; inputs and outputs stay f32. */
  readonly float16?: boolean;
  /** Resize, scaling, sigmoid and thresholds in the graph: u8 pictures in, scores and labels out. */
  readonly preprocess?: boolean;
}

/**
 * The bytes of an ONNX file for inference: input "images" f32[batch,3,S,S], output "logits" f32[batch,classes]; with
 * preprocessing as `withPreprocess` says.
 */
export function buildOnnx(opened: OpenedModel, batch: number | "dynamic", options: GraphOptions = {}): Uint8Array {
  const { model, state, imageSize } = opened;
  const bytes = exportOnnx({
    graph: (batchSize) => evaluateProgram({ model, batchSize, imageSize }).graph,
    state,
    batch,
    metadata: onnxMetadata(opened),
    name: opened.architecture.variant,
    producerName: "asl-export",
  });
  const network = options.float16 === true ? halved(bytes) : bytes;
  return options.preprocess === true ? preprocessed(network, opened) : network;
}

/** A file of `buildOnnx` with weights and graph in float16. */
export const halved = (bytes: Uint8Array): Uint8Array => encodeModel(toFloat16(decodeModel(bytes)));

/** A file of `buildOnnx`, quantised or not, with what stands around the network put into its graph. */
export const preprocessed = (
  bytes: Uint8Array,
  { imageSize, resizeFilter, thresholds }: Pick<OpenedModel, "imageSize" | "resizeFilter" | "thresholds">,
): Uint8Array => encodeModel(withPreprocess(decodeModel(bytes), { imageSize, resizeFilter, thresholds }));

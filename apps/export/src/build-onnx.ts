import type { OpenedModel } from "asl-cli";
import { evaluateProgram } from "asl-core";
import { exportOnnx } from "asl-onnx";
import { onnxMetadata } from "./onnx-metadata.js";

/** The bytes of an ONNX file for inference: input "images" f32[batch,3,S,S], output "logits" f32[batch,classes]. */
export function buildOnnx(opened: OpenedModel, batch: number | "dynamic"): Uint8Array {
  const { model, state, imageSize } = opened;
  return exportOnnx({
    graph: (batchSize) => evaluateProgram({ model, batchSize, imageSize }).graph,
    state,
    batch,
    metadata: onnxMetadata(opened),
    name: opened.architecture.variant,
    producerName: "asl-export",
  });
}

import type { Classifier, ClassifierOptions } from "./classifier.js";

/** Opens a checkpoint or, for a file name ending in .onnx, an exported model. */
export async function openClassifier(file: string, options: ClassifierOptions): Promise<Classifier> {
  if (file.toLowerCase().endsWith(".onnx")) {
    const { openOnnxClassifier } = await import("./onnx-classifier.js");
    return openOnnxClassifier(file, options);
  }
  const { openCheckpointClassifier } = await import("./checkpoint-classifier.js");
  return openCheckpointClassifier(file, options);
}

import { checkPredictionSizes, type Predictions } from "./predictions.js";

/** The predictions of some classes alone, in the order of `indices`. */
export function selectClasses(predictions: Predictions, indices: readonly number[]): Predictions {
  checkPredictionSizes(predictions);
  const { classNames, pictures, thresholds } = predictions;
  const columns = (matrix: Float32Array) => {
    const selected = new Float32Array(pictures.length * indices.length);
    for (let row = 0; row < pictures.length; row++) {
      indices.forEach((from, to) => {
        selected[row * indices.length + to] = matrix[row * classNames.length + from]!;
      });
    }
    return selected;
  };
  return {
    classNames: indices.map((index) => classNames[index]!),
    pictures,
    scores: columns(predictions.scores),
    targets: columns(predictions.targets),
    ...(thresholds === undefined
      ? {}
      : { thresholds: typeof thresholds === "number" ? thresholds : indices.map((index) => thresholds[index]!) }),
  };
}

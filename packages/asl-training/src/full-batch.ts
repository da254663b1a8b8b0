import { f32, sizeOf, type TensorData } from "asl-core";
import type { Batch } from "asl-data";

/**
 * Images and targets of a training batch. Rows left empty because a picture was skipped repeat the real rows in turn:
 * an empty row would count as a picture without classes and take part in the batch statistics.
 */
export function fullBatch(batch: Batch): { readonly images: TensorData; readonly targets: TensorData } {
  const real = batch.indices.length;
  return { images: repeated(batch.images, real), targets: repeated(batch.targets, real) };
}

function repeated(tensor: TensorData, real: number): TensorData {
  const [rows = 0, ...rest] = tensor.type.shape;
  if (real === rows) return tensor;
  const rowSize = sizeOf(rest);
  const data = Float32Array.from(tensor.data);
  for (let row = real; row < rows; row++)
    data.copyWithin(row * rowSize, (row % real) * rowSize, ((row % real) + 1) * rowSize);
  return f32(tensor.type.shape, data);
}

import { f32, type TensorData } from "asl-core";

/**
 * Features of few pictures have much in common and differ by little, which makes descent slow. A lesson sees
 * x = (f - mean) / scale, where the rows x have a mean square norm of 1.
 */
export interface Normalisation {
  readonly mean: Float64Array;
  readonly scale: number;
}

export interface LinearLayer {
  /** [C,F]. */
  readonly weight: TensorData;
  /** [C]. */
  readonly bias: TensorData;
}

/** Of rows of F features. Rows that are all the same are only centred. */
export function normalisationOf(rows: readonly Float32Array[]): Normalisation {
  const mean = Float64Array.from(rows[0]!, (_, j) => rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length);
  const squares = rows.map((row) => row.reduce((sum, value, j) => sum + (value - mean[j]!) ** 2, 0));
  const scale = Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / rows.length);
  return { mean, scale: scale === 0 ? 1 : scale };
}

/** w f + b = (scale w) x + (b + w mean): the same layer for normalised features. */
export function normalised({ weight, bias }: LinearLayer, { mean, scale }: Normalisation): LinearLayer {
  return {
    weight: f32(
      weight.type.shape,
      Float32Array.from(weight.data, (w) => w * scale),
    ),
    bias: f32(
      bias.type.shape,
      Float32Array.from(bias.data, (b, row) => b + product(weight.data, row, mean)),
    ),
  };
}

/** The inverse: W x + B = (W / scale) f + (B - W / scale mean). */
export function withoutNormalisation({ weight, bias }: LinearLayer, { mean, scale }: Normalisation): LinearLayer {
  const plain = Float32Array.from(weight.data, (w) => w / scale);
  return {
    weight: f32(weight.type.shape, plain),
    bias: f32(
      bias.type.shape,
      Float32Array.from(bias.data, (b, row) => b - product(plain, row, mean)),
    ),
  };
}

function product(matrix: TensorData["data"], row: number, vector: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < vector.length; j++) sum += matrix[row * vector.length + j]! * vector[j]!;
  return sum;
}

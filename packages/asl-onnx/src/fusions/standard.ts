import type { FusionRule } from "../lower/fusion.js";
import { leakyRelu, relu } from "./activation.js";
import { convolutionBias, gemm } from "./contraction.js";
import { spaceToDepth } from "./movement.js";
import { averagePool, globalAveragePool, sumOfSquares } from "./reduction.js";

/** Groups of nodes that ONNX has one operator for, within the contracts of the nodes. */
export const STANDARD_FUSIONS: readonly FusionRule[] = [
  relu,
  leakyRelu,
  spaceToDepth,
  globalAveragePool,
  averagePool,
  sumOfSquares,
  convolutionBias,
  gemm,
];

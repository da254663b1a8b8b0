import type { AttrsOf, Shape } from "asl-core";
import { graphOf } from "../../../../test/contract.js";
import type { ContractionOp, Tuning } from "../../src/contraction/index.js";
import { planOf } from "./one-contraction.js";

export const LIMITS = {
  maxComputeWorkgroupsPerDimension: 65535,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupStorageSize: 32768,
};

/** The plan of one contraction of f32 operands, on a device with LIMITS. */
export function plan<K extends ContractionOp>(
  op: K,
  shapes: readonly Shape[],
  attrs: AttrsOf<K>,
  tuning: Partial<Tuning> = {},
) {
  const types = shapes.map((shape) => ({ dtype: "f32" as const, shape }));
  return planOf({ graph: graphOf(op, types, attrs) }, { limits: LIMITS, ...tuning });
}

/** A 3x3 convolution that keeps the extents. */
export const SAME = {
  strides: [1, 1],
  padding: [
    [1, 1],
    [1, 1],
  ],
  dilations: [1, 1],
  groups: 1,
} as const;
/** WGSL of the first dispatch, without its declarations. */
export const kernelOf = ({ dispatches }: ReturnType<typeof plan>) =>
  dispatches[0]!.wgsl.slice(dispatches[0]!.wgsl.indexOf("fn main"));

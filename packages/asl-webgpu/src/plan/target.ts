import type { Target } from "./program-plan.js";

/** The limits that every WebGPU device has. */
export const DEFAULT_LIMITS = {
  maxBufferSize: 268435456,
  maxStorageBufferBindingSize: 134217728,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeWorkgroupsPerDimension: 65535,
} as const;

export type Limits = { readonly [K in keyof typeof DEFAULT_LIMITS]: number };

/** What programs are planned for where no device is open. */
export const defaultTarget = (limits: Limits = DEFAULT_LIMITS): Target => ({
  arithmetic: { sum: "native", quotient: "native", root: "native" },
  tuning: { limits },
  limits,
});

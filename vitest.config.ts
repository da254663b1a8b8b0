import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Debian's chromium brings SwiftShader, a Vulkan driver on the CPU: WebGPU's tests need no graphics card. */
const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";
const usesSwiftShader = process.env.VK_ICD_FILENAMES === undefined && existsSync(SWIFTSHADER);

export default defineConfig({
  test: {
    include: [
      ...["packages/*", "apps/*", "."].map((folder) => `${folder}/test/**/*.test.ts`),
      "bench/test/**/*.test.mjs",
    ],
    // an emulated GPU compiles the kernels of a network for minutes
    testTimeout: 400_000,
    hookTimeout: 120_000,
    pool: "forks",
    // on two cores vitest would run one file at a time
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // some tests load ONNX Runtime themselves: see packages/asl-onnx/src/runtime/telemetry.ts
    env: { ORT_DISABLE_TELEMETRY: "1", ...(usesSwiftShader ? { VK_ICD_FILENAMES: SWIFTSHADER } : {}) },
  },
});

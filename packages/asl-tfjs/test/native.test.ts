import { AslError } from "asl-core";
import { describe, expect, it } from "vitest";
import { isNativeInstalled, loadNative } from "../src/native.js";
import { isTfjsNodeInstalled, tfjsNodeBackend } from "../src/node.js";
import { tfjsNodeGpuBackend, usesGpu } from "../src/node-gpu.js";

describe("packages around TensorFlow's C library", () => {
  it("one that is not installed is an error that says so", () => {
    expect(() => loadNative("@tensorflow/tfjs-abacus")).toThrow(AslError);
    expect(() => loadNative("@tensorflow/tfjs-abacus")).toThrow(
      "@tensorflow/tfjs-abacus cannot be loaded: it is not installed; npm install @tensorflow/tfjs-abacus",
    );
    expect(isNativeInstalled("@tensorflow/tfjs-abacus")).toBe(false);
  });

  const gpu = isNativeInstalled("@tensorflow/tfjs-node-gpu");
  it.skipIf(gpu)("without the add-on, node-gpu says what it needs (runs where the add-on is missing)", async () => {
    const compiled = tfjsNodeGpuBackend().compile({}, {});
    await expect(compiled).rejects.toThrow(AslError);
    await expect(compiled).rejects.toThrow(
      /tfjs-node-gpu cannot be loaded: its native add-on is not there.*NVIDIA GPU.*CUDA 11\.2.*asl-tfjs\/node/,
    );
  });

  it("a backend that computes on the CPU is not taken for a GPU", () => {
    expect(usesGpu({ isUsingGpuDevice: false })).toBe(false);
    expect(usesGpu({ isUsingGpuDevice: true })).toBe(true);
    expect(usesGpu({})).toBe(false);
  });

  it.skipIf(isTfjsNodeInstalled())(
    "without the add-on, node says how to get it (runs where it is missing)",
    async () => {
      await expect(tfjsNodeBackend().compile({}, {})).rejects.toThrow(
        /tfjs-node cannot be loaded: .*build it from source/,
      );
    },
  );

  it.skipIf(!isTfjsNodeInstalled())(
    "with the add-on, node runs (skipped until scripts/install-tfjs-node.sh)",
    async () => {
      const session = await tfjsNodeBackend().compile({}, {});
      await session[Symbol.asyncDispose]();
    },
  );
});

import { sessionFusions } from "../fusions/session.js";
import { STANDARD_FUSIONS } from "../fusions/standard.js";
import type { FusionRule } from "../lower/fusion.js";
import { NO_QUIRKS, type Quirks } from "../lower/quirks.js";
import { blockSizeOf } from "./block-size.js";
import type { Provider } from "./options.js";
import { writesIntoOutputs } from "./preallocation.js";
import { webgpuQuirks } from "./quirks.js";
import { takesSharedMemory } from "./shared-memory.js";
import type { OnnxRuntime } from "./tensors.js";

/** What the lowering of a graph, and who runs it, must know of an execution provider. */
export interface Kernels {
  quirks(runtime: OnnxRuntime): Promise<Quirks>;
  /** Forms for graphs whose state changes. */
  fusions(runtime: OnnxRuntime): Promise<readonly FusionRule[]>;
  /** Whether outputs are written into memory that the caller gives. */
  writesInto(runtime: OnnxRuntime): Promise<boolean>;
  /** Whether a session's memory may be one that threads share. */
  takesShared(runtime: OnnxRuntime): Promise<boolean>;
}

export const KERNELS: Readonly<Record<Provider, Kernels>> = {
  cpu: {
    quirks: async () => NO_QUIRKS,
    fusions: async (runtime) => sessionFusions({ blockSize: await blockSizeOf(runtime) }),
    writesInto: writesIntoOutputs,
    takesShared: takesSharedMemory,
  },
  // The other fusions were measured on processors. Its BatchNormalization has no training mode, and divides by a root
  // that WGSL gives to 2 ULP.
  webgpu: {
    quirks: webgpuQuirks,
    fusions: async () => STANDARD_FUSIONS,
    writesInto: async () => false,
    takesShared: async () => false,
  },
};

import type { Program, ValueId } from "asl-core";
import { type Kernel, readsOf, writesOf } from "../kernel/kernel.js";
import { storedBytes } from "../wgsl/storage.js";
import type { Storage } from "./half-storage.js";
import { type PlanOptions, type ProgramPlan, planProgram, type Target } from "./program-plan.js";
import { DEFAULT_LIMITS, defaultTarget, type Limits } from "./target.js";

/** One kernel of a program. */
export interface KernelExplanation {
  readonly scope: string;
  /** In order, views left out. */
  readonly ops: readonly string[];
  readonly dispatches: number;
  /** Each buffer that it reads or writes counted once. */
  readonly bytes: number;
  readonly flops: number;
}

export interface Explanation {
  readonly kernels: readonly KernelExplanation[];
  readonly bytes: number;
  readonly flops: number;
  /** Feeds, state and constants that are read, and outputs, each once: no plan moves less. */
  readonly lowerBoundBytes: number;
  /** The above as a table. */
  toString(): string;
}

export interface MemoryPlan {
  /** Buffers for values between kernels, shared by values that live at different times. */
  readonly plannedBytes: number;
  /** With a buffer for each of them. */
  readonly naiveBytes: number;
  /** Most that is alive at one time. */
  readonly lowerBoundBytes: number;
  /** Feeds and constants. */
  readonly residentBytes: number;
  /** Floating-point operations of all kernels beyond those without `memoryLimit`: `explain` counts the same ones. */
  readonly repeatedFlops: number;
  /** State that is read or written; what is written has two buffers. */
  readonly stateBytes: number;
  /** All buffers of the program: planned, resident and state. */
  readonly peakBytes: number;
}

export interface ExplainOptions extends PlanOptions {
  /** Of the device that the program is for. Default: what every device has. */
  readonly limits?: Limits;
  /** As of the backend. Default "f32". */
  readonly storage?: Storage;
}

/** The fused kernels of a program, their bytes and floating-point operations. No device is needed. */
export function explain(program: Program, options: ExplainOptions = {}): Explanation {
  return explanationOf(planFor(program, options));
}

/** What a program takes on a device, before it is compiled. Throws OutOfMemoryError when no plan that was tried keeps `memoryLimit`. */
export function planMemory(program: Program, options: ExplainOptions = {}): MemoryPlan {
  return memoryOf(planFor(program, options));
}

const planFor = (program: Program, { limits = DEFAULT_LIMITS, storage = "f32", ...options }: ExplainOptions) =>
  planProgram(program, { ...defaultTarget(limits), storage }, options);

/** For measurements: the same with a kernel for each node. */
export const withoutFusion = (target: Target): Target => ({ ...target, fusion: "none" });

export function explanationOf({ graph, kernels, bufferOf, halves }: ProgramPlan): Explanation {
  const bytesOf = (id: ValueId) => storedBytes(graph.types[id]!, halves.has(id));
  const total = (ids: Iterable<ValueId>) => [...new Set(ids)].reduce((sum, id) => sum + bytesOf(id), 0);
  const explained = kernels.map((kernel: Kernel) => ({
    scope: kernel.scope,
    ops: kernel.ops,
    dispatches: kernel.dispatches.length,
    bytes: total([...readsOf(kernel), ...writesOf(kernel)]) + 8 * kernel.scratchElements,
    flops: kernel.flops,
  }));
  const made = new Set(kernels.flatMap(writesOf));
  const given = kernels.flatMap(readsOf).filter((id) => !made.has(id));
  const outputs = Object.values(graph.outputs).map((id) => bufferOf[id]!);
  const bytes = explained.reduce((sum, kernel) => sum + kernel.bytes, 0);
  const flops = explained.reduce((sum, kernel) => sum + kernel.flops, 0);
  const lowerBoundBytes = total(given) + total(outputs);
  return {
    kernels: explained,
    bytes,
    flops,
    lowerBoundBytes,
    toString() {
      const lines = explained.map(
        (kernel) =>
          `${megabytes(kernel.bytes)} MB ${millions(kernel.flops)} MFLOP  ${kernel.ops.join(" ")}  (${kernel.scope})`,
      );
      const bound = `${(bytes / Math.max(lowerBoundBytes, 1)).toFixed(1)} times the lower bound of ${megabytes(lowerBoundBytes).trim()} MB`;
      const sum = `${kernels.length} kernels, ${megabytes(bytes).trim()} MB, ${bound}; ${millions(flops).trim()} MFLOP`;
      return [...lines, sum].join("\n");
    },
  };
}

export function memoryOf(plan: ProgramPlan): MemoryPlan {
  const { plannedBytes, naiveBytes, lowerBoundBytes } = plan.slots;
  const bytesOf = (id: ValueId) => storedBytes(plan.graph.types[id]!, plan.halves.has(id));
  const written = new Set(Object.values(plan.program.writes));
  let residentBytes = 0;
  const states = new Map<string, number>();
  for (const [id, location] of plan.locations) {
    if (location.kind === "feed" || location.kind === "constant") residentBytes += bytesOf(id);
    if (location.kind === "state" || location.kind === "next") {
      states.set(location.name, bytesOf(id) * (written.has(location.name) ? 2 : 1));
    }
  }
  const stateBytes = [...states.values()].reduce((sum, bytes) => sum + bytes, 0);
  const peakBytes = plannedBytes + residentBytes + stateBytes;
  const { repeatedFlops } = plan;
  return { plannedBytes, naiveBytes, lowerBoundBytes, residentBytes, repeatedFlops, stateBytes, peakBytes };
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(3).padStart(9);
const millions = (flops: number) => (flops / 1e6).toFixed(3).padStart(9);

import { type Backend, checkProgram, type Program, type Session, type StateSpec } from "asl-core";
import { deviceTuning, type TuneCache } from "./contraction/index.js";
import type { Arithmetic } from "./lower/lowering.js";
import type { Storage } from "./plan/half-storage.js";
import { planProgram, type Target } from "./plan/program-plan.js";
import { Device } from "./runtime/device.js";
import { AdapterError } from "./runtime/errors.js";
import { probeArithmetic } from "./runtime/probe.js";
import { DeviceProgram } from "./runtime/program.js";
import { WebgpuSession } from "./runtime/session.js";
import { DeviceState } from "./runtime/state.js";
import { knownTiles, tunePrograms } from "./runtime/tune.js";

export interface CompileProgress {
  /** Contractions are measured, if at all, before kernels are compiled. */
  readonly phase: "tuning" | "compiling";
  readonly done: number;
  readonly total: number;
}

export interface WebgpuBackendOptions {
  /** A device that the caller keeps; else one is opened at the first `compile`, and again after it was lost. */
  readonly device?: GPUDevice;
  /** Where adapters come from. Default: `navigator.gpu`. */
  readonly gpu?: GPU;
  /** Passed to `requestAdapter`. */
  readonly adapter?: GPURequestAdapterOptions;
  /**
   * "probe": small kernels at the start find out what the device rounds as IEEE 754 says; what it does not is computed
   * on bit patterns. "soft": + - x / and roots on bit patterns in any case; slow, and keeps denormals. Default "probe".
   */
  readonly arithmetic?: "probe" | "soft";
  /**
   * Most bytes for values between kernels, of each program: activations are computed again in the backward pass where they
   * would take more. Every bit of the results stays. `compile` throws OutOfMemoryError when no plan that was tried keeps it.
   */
  readonly memoryLimit?: number;
  /**
   * "f16": activations between the kernels of programs that write no state are stored in 16 bits and computed with in 32:
   * half the memory and traffic, other bits; beyond 65504 they become infinite. Needs the feature shader-f16, else `compile`
   * throws AdapterError. Not for networks of exact numerics. Default "f32".
   */
  readonly storage?: Storage;
  /** Name of the Backend; "webgpu" unless given. */
  readonly name?: string;
  /**
   * Contractions are cut into the tiles that are fastest on this adapter: `compile` measures what it has not measured yet,
   * seconds for a network. With a cache it takes what is in there and adds what it measures: keep it as JSON. Default:
   * tiles follow from shapes and from what the adapter says of itself.
   */
  readonly tune?: true | TuneCache;
  /** Tiles that are used as they are, before those of `tune`; without `tune` nothing is measured. */
  readonly tiles?: TuneCache;
  /** After each contraction that `compile` has measured and each kernel that it has made. */
  readonly onProgress?: (progress: CompileProgress) => void;
}

/** A Backend in WGSL: float32, state on the device, gradients as the graph has them. */
export function webgpuBackend(options: WebgpuBackendOptions = {}): Backend {
  const { name = "webgpu", onProgress, memoryLimit } = options;
  const planOptions = memoryLimit === undefined ? {} : { memoryLimit };
  const tuned = options.tune === true ? {} : options.tune;
  let opened: Promise<Opened> | undefined;
  const openDevice = async () => {
    const known = await opened?.catch(() => undefined);
    if (known === undefined || (known.device.isLost && options.device === undefined)) opened = open(name, options);
    return await opened!;
  };
  return {
    name,
    async compile<P extends string>(spec: StateSpec, programs: Readonly<Record<P, Program>>): Promise<Session<P>> {
      const entries = Object.entries<Program>(programs);
      for (const [programName, program] of entries) checkProgram(programName, program, spec);
      const { device, target: untiled } = await openDevice();
      if (tuned !== undefined) {
        await tunePrograms(
          device,
          Object.values(programs),
          { tuned, pinned: options.tiles, storage: options.storage },
          (done, total) => onProgress?.({ phase: "tuning", done, total }),
        );
      }
      const pinned = knownTiles(device, { tuned, pinned: options.tiles });
      const target = { ...untiled, tuning: { ...untiled.tuning, pinned } };
      const plans = entries.map(([programName, program]) => ({
        programName,
        plan: planProgram(program, target, planOptions),
      }));
      const total = plans.reduce((sum, { plan }) => sum + plan.kernels.length, 0);
      let done = 0;
      const onKernel = () => onProgress?.({ phase: "compiling", done: ++done, total });
      const written = new Set(entries.flatMap(([, { writes }]) => Object.values(writes)));
      const state = await DeviceState.open(device, spec, written);
      const compiled = new Map<string, DeviceProgram>();
      try {
        for (const { programName, plan } of plans) {
          compiled.set(programName, await DeviceProgram.open(programName, plan, device, state, onKernel));
        }
      } catch (error) {
        state.destroy();
        for (const program of compiled.values()) program.destroy();
        throw error;
      }
      return new WebgpuSession<P>(device, spec, state, compiled);
    },
  };
}

/** A device and how it computes. */
interface Opened {
  readonly device: Device;
  readonly target: Target;
}

const SOFT: Arithmetic = { sum: "soft", quotient: "soft", root: "soft" };

async function open(name: string, options: WebgpuBackendOptions): Promise<Opened> {
  const device = new Device(name, options.device ?? (await requestDevice(name, options)));
  const { limits } = device.gpu;
  const { arithmetic = "probe", storage = "f32" } = options;
  if (storage === "f16" && !device.gpu.features.has(HALF)) throw lacksHalf(name, "the device was not asked for");
  const target = { tuning: deviceTuning(device.gpu), limits };
  return {
    device,
    target: { ...target, storage, arithmetic: arithmetic === "soft" ? SOFT : await probeArithmetic(device, target) },
  };
}

/** Features that a device is asked for where the adapter has them. */
const OPTIONAL: readonly string[] = ["subgroups"];
const HALF = "shader-f16";

const lacksHalf = (name: string, why: string) =>
  new AdapterError(`${name}: storage "f16" needs the feature ${HALF}, which ${why}. Leave storage out for 32 bits.`);

/** Limits that a device is asked for as large as the adapter has them. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
] as const;

async function requestDevice(name: string, options: WebgpuBackendOptions): Promise<GPUDevice> {
  const gpu = options.gpu ?? (globalThis as { readonly navigator?: { readonly gpu?: GPU } }).navigator?.gpu;
  if (gpu === undefined) {
    throw new AdapterError(
      `${name}: this runtime has no WebGPU (navigator.gpu). Browsers offer it on secure pages (https or localhost) from ` +
        "Chrome 113, Edge 113, Safari 26 and Firefox 141 on; in Node use asl-webgpu/node.",
    );
  }
  const asked = options.adapter === undefined ? "" : ` for ${JSON.stringify(options.adapter)}`;
  // browsers answer null; Dawn in Node throws
  const adapter = await gpu.requestAdapter(options.adapter).catch((cause: unknown) => {
    const detail = cause instanceof Error ? cause.message.trim().replaceAll(/\s*\n\s*/g, " ") : String(cause);
    throw new AdapterError(`${name}: WebGPU is there but offers no adapter${asked}: ${detail}.`, { cause });
  });
  if (adapter === null) {
    throw new AdapterError(`${name}: WebGPU is there but offers no adapter${asked}: no GPU driver that it accepts.`);
  }
  const wanted = options.storage === "f16" ? [...OPTIONAL, HALF] : OPTIONAL;
  if (wanted.includes(HALF) && !adapter.features.has(HALF)) throw lacksHalf(name, "this adapter does not have");
  const requiredLimits = Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]]));
  // contractions pass factors on within a quad where they may
  const requiredFeatures = [...adapter.features].filter((feature) => wanted.includes(feature)) as GPUFeatureName[];
  return await adapter.requestDevice({ label: name, requiredLimits, requiredFeatures });
}

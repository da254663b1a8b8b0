import type { Kernel } from "../kernel/kernel.js";
import { DeviceLostError, KernelError, OutOfMemoryError } from "./errors.js";
import { BUFFER_USAGE, SHADER_STAGE_COMPUTE } from "./usage.js";

/** A device with what all sessions on it share: pipelines by text, the uniform zero. */
export class Device {
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  readonly zero: GPUBuffer;
  #loss: GPUDeviceLostInfo | undefined;

  constructor(
    readonly name: string,
    readonly gpu: GPUDevice,
  ) {
    this.zero = gpu.createBuffer({ label: "zero", size: 16, usage: BUFFER_USAGE.UNIFORM });
    void gpu.lost.then((info) => {
      this.#loss = info;
    });
  }

  get isLost(): boolean {
    return this.#loss !== undefined;
  }

  /** Throws DeviceLostError when the device is gone. */
  requireAlive(doing: string): void {
    if (this.#loss !== undefined) throw this.lostError(doing, this.#loss);
  }

  lostError(doing: string, { reason, message }: GPUDeviceLostInfo): DeviceLostError {
    return new DeviceLostError(this.name, doing, reason ?? "unknown", message);
  }

  /** Throws OutOfMemoryError for a buffer that kernels could not bind. */
  requireBindable(what: string, bytes: number): void {
    const most = Math.min(this.gpu.limits.maxStorageBufferBindingSize, this.gpu.limits.maxBufferSize);
    if (bytes <= most) return;
    throw new OutOfMemoryError(
      `${this.name}: ${what} takes ${bytes} bytes; a buffer of this device holds at most ${most}. ` +
        "Smaller batches or images take less.",
      bytes,
    );
  }

  /** What an operation failed of: the loss of the device, if that is what happened. */
  async causeOf(error: unknown, doing: string): Promise<unknown> {
    if (this.#loss === undefined) {
      // a lost device says so a moment later
      const moment = new Promise<void>((resolve) => setTimeout(resolve, 50));
      await Promise.race([this.gpu.lost, moment]);
    }
    return this.#loss === undefined ? error : this.lostError(doing, this.#loss);
  }

  /** `body` under error scopes: out of memory and validation become errors that name what was being done. */
  async guarded<T>(doing: string, bytes: number, body: () => T): Promise<T> {
    this.requireAlive(doing);
    const { gpu, name } = this;
    gpu.pushErrorScope("out-of-memory");
    gpu.pushErrorScope("validation");
    const result = body();
    const [invalid, full] = await Promise.all([gpu.popErrorScope(), gpu.popErrorScope()]);
    this.requireAlive(doing);
    if (full !== null) {
      throw new OutOfMemoryError(`${name}: out of memory while ${doing} (${bytes} bytes): ${full.message}`, bytes);
    }
    if (invalid !== null) throw new KernelError(doing, "", invalid.message);
    return result;
  }

  layoutOf({ bindings }: Kernel): GPUBindGroupLayout {
    const key = bindings.map(({ kind }) => kind).join();
    const known = this.#layouts.get(key);
    if (known !== undefined) return known;
    const types = { read: "read-only-storage", write: "storage", scratch: "storage", zero: "uniform" } as const;
    const layout = this.gpu.createBindGroupLayout({
      label: key,
      entries: bindings.map(({ kind }, binding) => ({
        binding,
        visibility: SHADER_STAGE_COMPUTE,
        buffer: { type: types[kind] },
      })),
    });
    this.#layouts.set(key, layout);
    return layout;
  }

  /** The pipelines of a kernel's dispatches; equal modules share one. */
  pipelinesOf(kernel: Kernel): Promise<GPUComputePipeline[]> {
    return Promise.all(kernel.dispatches.map(({ wgsl }) => this.#pipelineOf(wgsl, kernel)));
  }

  #pipelineOf(wgsl: string, kernel: Kernel): Promise<GPUComputePipeline> {
    const known = this.#pipelines.get(wgsl);
    if (known !== undefined) return known;
    const made = this.#create(wgsl, kernel);
    this.#pipelines.set(wgsl, made);
    return made;
  }

  async #create(code: string, kernel: Kernel): Promise<GPUComputePipeline> {
    const { gpu } = this;
    this.requireAlive(`compiling kernel ${kernel.label}`);
    const label = kernel.label.slice(0, 200);
    gpu.pushErrorScope("validation");
    const module = gpu.createShaderModule({ label, code });
    const layout = gpu.createPipelineLayout({ label, bindGroupLayouts: [this.layoutOf(kernel)] });
    const scope = gpu.popErrorScope();
    try {
      return await gpu.createComputePipelineAsync({ label, layout, compute: { module, entryPoint: "main" } });
    } catch (cause) {
      const lost = await this.causeOf(undefined, `compiling kernel ${kernel.label}`);
      if (lost !== undefined) throw lost;
      const messages = await module.getCompilationInfo().then(
        (info) => info.messages.map(({ lineNum, message }) => `line ${lineNum}: ${message}`),
        () => [],
      );
      const detail = messages[0] ?? (await scope)?.message ?? (cause instanceof Error ? cause.message : String(cause));
      throw new KernelError(kernel.label, kernel.scope, `${this.name} does not compile it: ${detail}`, { cause });
    }
  }
}

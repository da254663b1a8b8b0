import type { TensorData, Tensors, TensorType } from "asl-core";
import { storedBytes } from "../wgsl/storage.js";
import type { Device } from "./device.js";
import { fromStored } from "./transfer.js";
import { BUFFER_USAGE, MAP_MODE_READ } from "./usage.js";

export interface ReadbackEntry {
  readonly name: string;
  readonly type: TensorType;
}

/** A host-visible buffer that takes the same tensors again and again. */
export class Readback {
  readonly #offsets: readonly number[];
  readonly #bytes: number;
  #buffer: GPUBuffer | undefined;

  constructor(
    private readonly device: Device,
    private readonly entries: readonly ReadbackEntry[],
  ) {
    let bytes = 0;
    this.#offsets = entries.map(({ type }) => {
      const offset = bytes;
      bytes += storedBytes(type);
      return offset;
    });
    this.#bytes = bytes;
  }

  async open(): Promise<void> {
    if (this.#bytes === 0) return;
    const usage = BUFFER_USAGE.MAP_READ | BUFFER_USAGE.COPY_DST;
    this.#buffer = await this.device.guarded("allocating a buffer for results", this.#bytes, () =>
      this.device.gpu.createBuffer({ label: "results", size: this.#bytes, usage }),
    );
  }

  /** Appends copies of all tensors from their buffers. */
  encode(encoder: GPUCommandEncoder, bufferOf: (entry: ReadbackEntry) => GPUBuffer): void {
    this.entries.forEach((entry, i) => {
      const size = storedBytes(entry.type);
      if (size > 0) encoder.copyBufferToBuffer(bufferOf(entry), 0, this.#buffer!, this.#offsets[i]!, size);
    });
  }

  /** What was copied; call after the commands are submitted. Waits for them when there is nothing to read, too. */
  async read(doing: string): Promise<Tensors> {
    const results: Record<string, TensorData> = {};
    try {
      if (this.#buffer === undefined) await this.device.gpu.queue.onSubmittedWorkDone();
      else await this.#buffer.mapAsync(MAP_MODE_READ);
    } catch (error) {
      throw await this.device.causeOf(error, doing);
    }
    this.device.requireAlive(doing);
    const bytes = this.#buffer?.getMappedRange() ?? new ArrayBuffer(0);
    this.entries.forEach(({ name, type }, i) => {
      results[name] = fromStored(type, bytes, this.#offsets[i]!);
    });
    this.#buffer?.unmap();
    return results;
  }

  destroy(): void {
    this.#buffer?.destroy();
  }
}

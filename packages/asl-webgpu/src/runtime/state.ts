import type { StateSpec } from "asl-core";
import { paddedBytes, storedBytes } from "../wgsl/storage.js";
import type { Device } from "./device.js";
import { BUFFER_USAGE } from "./usage.js";

/** State on the device. What programs write has two buffers: the present one and the one that a step fills. */
export class DeviceState {
  readonly #buffers = new Map<string, { readonly pair: readonly GPUBuffer[]; front: 0 | 1 }>();

  private constructor() {}

  static async open(device: Device, spec: StateSpec, written: ReadonlySet<string>): Promise<DeviceState> {
    const state = new DeviceState();
    const sizes = Object.entries(spec).map(([name, { type }]) => ({
      name,
      size: paddedBytes(storedBytes(type)),
      copies: written.has(name) ? 2 : 1,
    }));
    for (const { name, size } of sizes) device.requireBindable(`state "${name}"`, size);
    const bytes = sizes.reduce((sum, { size, copies }) => sum + size * copies, 0);
    await device.guarded("allocating the state", bytes, () => {
      const usage = BUFFER_USAGE.STORAGE | BUFFER_USAGE.COPY_SRC | BUFFER_USAGE.COPY_DST;
      for (const { name, size, copies } of sizes) {
        const pair = Array.from({ length: copies }, () => device.gpu.createBuffer({ label: name, size, usage }));
        state.#buffers.set(name, { pair, front: 0 });
      }
    });
    return state;
  }

  front(name: string): GPUBuffer {
    const { pair, front } = this.#buffers.get(name)!;
    return pair[front]!;
  }

  back(name: string): GPUBuffer {
    const { pair, front } = this.#buffers.get(name)!;
    return pair[1 - front]!;
  }

  /** Which of its two buffers is the present one. */
  side(name: string): 0 | 1 {
    return this.#buffers.get(name)!.front;
  }

  /** What the step filled becomes the present state. */
  advance(names: Iterable<string>): void {
    for (const name of names) {
      const entry = this.#buffers.get(name)!;
      entry.front = entry.front === 0 ? 1 : 0;
    }
  }

  destroy(): void {
    for (const { pair } of this.#buffers.values()) for (const buffer of pair) buffer.destroy();
    this.#buffers.clear();
  }
}

import { BYTES_PER_ELEMENT, InputError, type StateSpec, sizeOf, type TensorData, type TensorType } from "asl-core";
import { VECTOR_BYTES } from "../update/kernel.js";
import type { StateStore } from "./state.js";

export const PAGE_BYTES = 65536;
/** WebAssembly's 32-bit address space. */
const MAXIMUM_BYTES = 2 ** 32;

/** A tensor inside a WebAssembly memory. */
export interface PlacedTensor extends TensorData {
  readonly address: number;
}

/**
 * Reserves places for tensors in one WebAssembly memory: SIMD-aligned, each padded to whole vectors. The memory is
 * allocated once, by `allocate`: growing it would detach every view that ONNX Runtime is given.
 */
export class WasmLayout {
  #next = VECTOR_BYTES;
  readonly #places: {
    readonly type: TensorType;
    readonly address: number;
    readonly place: (t: PlacedTensor) => void;
  }[] = [];

  /** Where the next tensor goes; `rewind` to it lets others use the same place at another time. */
  get position(): number {
    return this.#next;
  }

  rewind(position: number): void {
    this.#next = position;
  }

  #end = VECTOR_BYTES;

  /** Reserves a tensor; `place` gets it when the memory exists. */
  reserve(type: TensorType, place: (tensor: PlacedTensor) => void): void {
    const address = this.#next;
    const bytes = sizeOf(type.shape) * BYTES_PER_ELEMENT[type.dtype];
    this.#next += Math.ceil(bytes / VECTOR_BYTES) * VECTOR_BYTES;
    this.#end = Math.max(this.#end, this.#next);
    this.#places.push({ type, address, place });
  }

  /** `shared`: threads may work on it. */
  allocate(shared = false): WebAssembly.Memory {
    if (this.#end > MAXIMUM_BYTES) {
      const gibibytes = (this.#end / 2 ** 30).toFixed(1);
      throw new InputError(
        `state and gradients take ${gibibytes} GiB; a WebAssembly memory holds 4 GiB. Use onnxBackend({ update: "graph" })`,
      );
    }
    const pages = Math.ceil(this.#end / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
    for (const { type, address, place } of this.#places) {
      place({ type, address, data: view(memory.buffer, address, type) });
    }
    return memory;
  }
}

function view(buffer: ArrayBuffer, address: number, { dtype, shape }: TensorType): TensorData["data"] {
  const size = sizeOf(shape);
  switch (dtype) {
    case "f32":
      return new Float32Array(buffer, address, size);
    case "i32":
      return new Int32Array(buffer, address, size);
    case "bool":
      return new Uint8Array(buffer, address, size);
  }
}

/** State in a WebAssembly memory: kernels update it in place, and ONNX Runtime reads it without a copy. */
export class WasmState implements StateStore {
  readonly #tensors = new Map<string, PlacedTensor>();
  version = 0;
  #lost: unknown;

  constructor(spec: StateSpec, layout: WasmLayout) {
    for (const [name, { type }] of Object.entries(spec)) {
      layout.reserve(type, (tensor) => this.#tensors.set(name, tensor));
    }
  }

  get(name: string): PlacedTensor {
    if (this.#lost !== undefined) throw this.#lost;
    return this.#tensors.get(name)!;
  }

  write(name: string, data: TensorData["data"]): void {
    this.get(name).data.set(data);
    this.changed();
  }

  replace(name: string, data: TensorData["data"]): void {
    this.write(name, data);
  }

  /** To be called after a kernel has written. */
  changed(): void {
    this.version++;
  }

  /** To be called when an update has stopped half-way: nobody gets the state any more, but the reason. */
  lose(reason: unknown): void {
    this.#lost = reason;
  }
}

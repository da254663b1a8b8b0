import { allocate, type StateSpec, sizeOf, type TensorData } from "asl-core";

/** Where a session keeps its state between runs. */
export interface StateStore {
  /** Grows whenever a tensor changes. */
  readonly version: number;
  /** The tensor itself, not a copy. */
  get(name: string): TensorData;
  /** Replaces the contents by those of an array that stays the caller's. */
  write(name: string, data: TensorData["data"]): void;
  /** Replaces the contents; `data` is not used by anyone else afterwards. */
  replace(name: string, data: TensorData["data"]): void;
}

/** State in arrays of the JavaScript heap; a replaced tensor takes over the new array. */
export class HeapState implements StateStore {
  readonly #tensors = new Map<string, TensorData>();
  version = 0;

  constructor(spec: StateSpec) {
    for (const [name, { type }] of Object.entries(spec)) {
      this.#tensors.set(name, { type, data: allocate(type.dtype, sizeOf(type.shape)) });
    }
  }

  get(name: string): TensorData {
    return this.#tensors.get(name)!;
  }

  write(name: string, data: TensorData["data"]): void {
    this.replace(name, data.slice());
  }

  replace(name: string, data: TensorData["data"]): void {
    const { type } = this.get(name);
    // The state is float32 on every backend but the reference.
    const array = type.dtype === "f32" && !(data instanceof Float32Array) ? new Float32Array(data) : data;
    this.#tensors.set(name, { type, data: array });
    this.version++;
  }
}

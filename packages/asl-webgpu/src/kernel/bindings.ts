import type { TensorType, ValueId } from "asl-core";
import { STORED } from "../wgsl/storage.js";
import type { Binding } from "./kernel.js";

/** The buffers of a kernel under construction, numbered as they are first used. */
export class Bindings {
  readonly #bindings: Binding[] = [];
  readonly #declarations: string[] = [];
  readonly #names = new Map<string, string>();

  constructor(private readonly types: readonly TensorType[]) {}

  get list(): readonly Binding[] {
    return [...this.#bindings, { kind: "zero" }];
  }

  get declarations(): string {
    const zero = `@group(0) @binding(${this.#bindings.length}) var<uniform> zero: u32;`;
    return [...this.#declarations, zero].join("\n");
  }

  read(value: ValueId): string {
    return this.#bind(`in${value}`, { kind: "read", value }, "in", `read> NAME: array<${this.#stored(value)}>`);
  }

  /** The same buffer in fours. */
  readVec4(value: ValueId): string {
    return this.#bind(`four${value}`, { kind: "read", value }, "four", "read> NAME: array<vec4<f32>>");
  }

  write(value: ValueId): string {
    const type = `read_write> NAME: array<${this.#stored(value)}>`;
    return this.#bind(`out${value}`, { kind: "write", value }, "out", type);
  }

  scratch(): string {
    return this.#bind("scratch", { kind: "scratch" }, "scratch", "read_write> NAME: array<f32>");
  }

  #stored = (value: ValueId) => STORED[this.types[value]!.dtype];

  #bind(key: string, binding: Binding, prefix: string, type: string): string {
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const number = this.#bindings.length;
    const name = `${prefix}${number}`;
    this.#bindings.push(binding);
    this.#declarations.push(`@group(0) @binding(${number}) var<storage, ${type.replace("NAME", name)};`);
    this.#names.set(key, name);
    return name;
  }
}

import type { TensorType, ValueId } from "asl-core";
import { loaded, STORED, STORED_HALF, stored } from "../wgsl/storage.js";
import type { Binding } from "./kernel.js";

/** What lies in the buffers of values. */
export interface BufferTypes {
  readonly types: readonly TensorType[];
  /** Whether a value's buffer holds 16 bits of each element. */
  isHalf(value: ValueId): boolean;
}

/** The buffers of a kernel under construction, numbered as they are first used. */
export class Bindings {
  readonly #bindings: Binding[] = [];
  readonly #declarations: string[] = [];
  readonly #names = new Map<string, string>();

  /** WGSL extensions that the declarations need. */
  readonly enables = new Set<string>();

  constructor(private readonly buffers: BufferTypes) {}

  get list(): readonly Binding[] {
    return [...this.#bindings, { kind: "zero" }];
  }

  get declarations(): string {
    const zero = `@group(0) @binding(${this.#bindings.length}) var<uniform> zero: u32;`;
    return [...this.#declarations, zero].join("\n");
  }

  /** Element `index` (u32 expression) of a value's buffer, as it is computed with. */
  load(value: ValueId, index: string): string {
    const name = this.#bind(`in${value}`, { kind: "read", value }, "in", `read> NAME: array<${this.#stored(value)}>`);
    const element = `${name}[${index}]`;
    return this.buffers.isHalf(value) ? `f32(${element})` : loaded(this.#dtype(value), element);
  }

  /** vec4<f32> of elements index to index + 3 of an f32 value's buffer; index is a multiple of 4. */
  loadVec4(value: ValueId, index: string): string {
    const type = `read> NAME: array<vec4<${this.#stored(value)}>>`;
    const four = `${this.#bind(`four${value}`, { kind: "read", value }, "four", type)}[(${index}) / 4u]`;
    return this.buffers.isHalf(value) ? `vec4<f32>(${four})` : four;
  }

  /** Statement that writes element `index` of a value's buffer. */
  store(value: ValueId, index: string, element: string): string {
    const type = `read_write> NAME: array<${this.#stored(value)}>`;
    const name = this.#bind(`out${value}`, { kind: "write", value }, "out", type);
    const written = this.buffers.isHalf(value) ? `f16(${element})` : stored(this.#dtype(value), element);
    return `${name}[${index}] = ${written};`;
  }

  scratch(): string {
    return this.#bind("scratch", { kind: "scratch" }, "scratch", "read_write> NAME: array<f32>");
  }

  #dtype = (value: ValueId) => this.buffers.types[value]!.dtype;

  #stored(value: ValueId): string {
    if (!this.buffers.isHalf(value)) return STORED[this.#dtype(value)];
    this.enables.add(STORED_HALF);
    return STORED_HALF;
  }

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

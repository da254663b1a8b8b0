import { sizeOf, type ValueId } from "asl-core";
import type { Body } from "../wgsl/body.js";
import type { Bindings } from "./bindings.js";
import type { KernelContext, ValueReader } from "./value-reader.js";

/** Makes `value`, a kernel's own result at the row-major number `flat`, known to what follows on it. */
export function giveResult(
  result: ValueId,
  flat: string,
  { types, isComputedWith }: KernelContext,
  { reader, body }: { reader: ValueReader; body: Body },
): void {
  const name = isComputedWith(result) ? body.name(body.call("held", "value")) : "value";
  reader.give(result, sizeOf(types[result]!.shape) === 1 ? "0u" : flat, name);
}

/** Statements that store each of `values` at the row-major number `flat`. */
export function storeAll(
  values: readonly ValueId[],
  flat: string,
  { types }: KernelContext,
  { reader, bindings, body }: { reader: ValueReader; bindings: Bindings; body: Body },
): void {
  for (const value of values) {
    const { shape } = types[value]!;
    const position = { shape, flat: sizeOf(shape) === 1 ? "0u" : flat };
    body.line(bindings.store(value, position.flat, reader.read(value, position)));
  }
}

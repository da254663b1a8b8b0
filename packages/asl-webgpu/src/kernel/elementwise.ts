import { sizeOf, type ValueId } from "asl-core";
import { Body } from "../wgsl/body.js";
import { Bindings } from "./bindings.js";
import type { Binding, Dispatch } from "./kernel.js";
import { ENTRY_ARGUMENTS, functionText, gridOf, INVOCATIONS, moduleText, workgroupNumber } from "./module.js";
import { storeAll } from "./store.js";
import { type KernelContext, ValueReader } from "./value-reader.js";

export interface KernelText {
  readonly bindings: readonly Binding[];
  readonly dispatches: readonly Dispatch[];
  readonly scratchElements: number;
  /** Of contractions and reductions; elementwise ops are counted by their lowerings. */
  readonly flops: number;
}

/** One invocation for each element of `stores`, which all have as many. */
export function elementwiseKernel(
  stores: readonly ValueId[],
  context: KernelContext,
  limits: Pick<GPUSupportedLimits, "maxComputeWorkgroupsPerDimension">,
): KernelText {
  const size = sizeOf(context.types[stores[0]!]!.shape);
  const bindings = new Bindings(context);
  const functions = new Set<string>();
  const body = new Body(functions);
  const reader = new ValueReader(context, bindings, body);
  const grid = gridOf(Math.ceil(size / INVOCATIONS), limits.maxComputeWorkgroupsPerDimension);
  body.line(`let i = ${workgroupNumber(grid)} * ${INVOCATIONS}u + local;`);
  body.line(`if (i >= ${size}u) { return; }`);
  storeAll(stores, "i", context, { reader, bindings, body });
  const main = functionText(`main(${ENTRY_ARGUMENTS})`, body.text);
  const wgsl = moduleText(bindings, functions, `@compute @workgroup_size(${INVOCATIONS})\n${main}`);
  return { bindings: bindings.list, dispatches: [{ wgsl, workgroups: grid }], scratchElements: 0, flops: 0 };
}

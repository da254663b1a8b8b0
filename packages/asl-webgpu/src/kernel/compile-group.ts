import { type AnyNode, traitsOf, type ValueId } from "asl-core";
import type { Tuning } from "../contraction/index.js";
import { loweringOf } from "../lower/table.js";
import { contractionKernel, isContraction } from "./contraction.js";
import { elementwiseKernel, type KernelText } from "./elementwise.js";
import type { Kernel } from "./kernel.js";
import { isReduction, reductionKernel } from "./reduction.js";
import type { KernelContext } from "./value-reader.js";

/** Nodes that become one kernel. */
export interface Group {
  /** The contraction or reduction among them. */
  readonly head: AnyNode | undefined;
  /** All nodes, in order; those that are computed as they are read included. */
  readonly nodes: readonly AnyNode[];
  /** Results that something else reads; never empty, and all have as many elements. */
  readonly stores: readonly ValueId[];
}

export interface KernelTarget {
  readonly tuning: Tuning;
  readonly limits: Pick<GPUSupportedLimits, "maxStorageBuffersPerShaderStage">;
}

/** The kernel of a group. */
export function kernelOf(group: Group, context: KernelContext, { tuning, limits }: KernelTarget): Kernel {
  const { nodes } = group;
  const { bindings, dispatches, scratchElements, flops } = textOf(group, context, { tuning, limits });
  const computing = nodes.filter(({ op }) => traitsOf(op).view !== true);
  const scopes = [...new Set(nodes.map(({ scope }) => scope))].filter((scope) => scope !== "");
  return {
    label: `${computing.map(({ op }) => op).join(" ")}${scopes.length === 0 ? "" : ` (${scopes[0]})`}`,
    ops: computing.map(({ op }) => op),
    scope: scopes[0] ?? "",
    bindings,
    dispatches,
    scratchElements,
    flops: flops + elementwiseFlops(nodes, context),
  };
}

function textOf({ head, stores }: Group, context: KernelContext, { tuning, limits }: KernelTarget): KernelText {
  if (head === undefined) return elementwiseKernel(stores, context, tuning.limits);
  if (isContraction(head)) return contractionKernel(head, stores, context, tuning, limits);
  if (isReduction(head)) return reductionKernel(head, stores, context, tuning.limits);
  throw new TypeError(`${head.op} heads no kernel`);
}

function elementwiseFlops(nodes: readonly AnyNode[], { types }: KernelContext): number {
  return nodes.reduce((flops, { op, output }) => {
    const lowering = loweringOf(op);
    if (lowering.kind !== "elementwise") return flops;
    return flops + lowering.flops * types[output]!.shape.reduce((size, extent) => size * extent, 1);
  }, 0);
}

import type { ValueId } from "asl-core";

/** What a kernel's bindings, in their order, are bound to. */
export type Binding =
  | { readonly kind: "read"; readonly value: ValueId }
  | { readonly kind: "write"; readonly value: ValueId }
  /** Partial results that pass between the dispatches of one kernel. */
  | { readonly kind: "scratch" }
  /** The uniform that is 0. */
  | { readonly kind: "zero" };

export interface Dispatch {
  /** A whole module; entry point "main". Equal texts share a pipeline. */
  readonly wgsl: string;
  readonly workgroups: readonly [number, number, number];
}

/** Some nodes of a graph as one unit of work: everything that is computed while its inputs are read once. */
export interface Kernel {
  /** Ops and scope, for errors and `explain`. */
  readonly label: string;
  readonly ops: readonly string[];
  readonly scope: string;
  readonly bindings: readonly Binding[];
  readonly dispatches: readonly Dispatch[];
  /** f32 elements. */
  readonly scratchElements: number;
  readonly flops: number;
}

/** The buffers of values that a kernel reads and writes. */
export const readsOf = ({ bindings }: Kernel) => bindings.flatMap((each) => (each.kind === "read" ? [each.value] : []));
export const writesOf = ({ bindings }: Kernel) =>
  bindings.flatMap((each) => (each.kind === "write" ? [each.value] : []));

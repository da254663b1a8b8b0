import type { DType, Node, OpName, TensorType, ValueId } from "asl-core";
import type { FunctionName } from "../wgsl/functions.js";
import type { Position } from "../wgsl/position.js";

/** How a device computes what WGSL leaves open. */
export interface Arithmetic {
  /** + - x: the device's own, held in their order, or on bit patterns. */
  readonly sum: "native" | "soft";
  readonly quotient: "native" | "soft";
  readonly root: "native" | "soft";
}

/** What lowerings write with; element expressions are names, safe to repeat. */
export interface Reader {
  typeOf(id: ValueId): TensorType;
  /** The element of a value at a position. */
  read(id: ValueId, position: Position): string;
  coordinates(position: Position): readonly string[];
  flat(position: Position): string;
  call(name: FunctionName, ...args: readonly string[]): string;
  /** `inside()` where the condition holds, elsewhere `outside()` or the literal; nothing but the one is computed. */
  when(condition: string, dtype: DType, otherwise: string, inside: () => string, outside?: () => string): string;
}

/** What an elementwise op writes with. */
export interface ElementwiseContext<K extends OpName> {
  readonly node: Node<K>;
  readonly inputs: readonly TensorType[];
  readonly arithmetic: Arithmetic;
  call(name: FunctionName, ...args: readonly string[]): string;
}

/** Element i of the result from elements i of the arguments. */
export interface ElementwiseLowering<K extends OpName> {
  readonly kind: "elementwise";
  /** The result is rounded: a compiler that saw what comes next might round it otherwise or not at all. */
  readonly rounds: boolean;
  readonly flops: number;
  expression(args: readonly string[], context: ElementwiseContext<K>): string;
}

/** Which element of which argument stands at a position. */
export interface MovementLowering<K extends OpName> {
  readonly kind: "movement";
  /** More than arithmetic on indices: it compares, or reads an index. */
  readonly branches: boolean;
  read(node: Node<K>, position: Position, reader: Reader): string;
}

/** combine(combine(start, x0), x1) ... in any order of the terms. */
export interface ReductionLowering {
  readonly kind: "reduction";
  start(): string;
  combine(a: string, b: string, call: Reader["call"]): string;
}

export type Lowering<K extends OpName> =
  | ElementwiseLowering<K>
  | MovementLowering<K>
  | ReductionLowering
  | { readonly kind: "contraction" }
  | { readonly kind: "constant" };

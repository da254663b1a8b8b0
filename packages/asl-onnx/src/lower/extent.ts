import type { Shape } from "asl-core";

/** Length of one axis: known, or the name of an extent that only a run knows ("batch"). */
export type Extent = number | string;

export function sameExtents(a: readonly Extent[], b: readonly Extent[]): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

export function isFixed(extents: readonly Extent[]): extents is Shape {
  return extents.every((extent) => typeof extent === "number");
}

/** Prepends extents of 1 up to `rank`, as numpy aligns shapes. */
export function alignRank(extents: readonly Extent[], rank: number): Extent[] {
  return [...new Array<Extent>(rank - extents.length).fill(1), ...extents];
}

/** Drops leading extents of 1: the shortest shape that broadcasts alike. */
export function dropLeadingOnes(extents: readonly Extent[]): readonly Extent[] {
  const first = extents.findIndex((extent) => extent !== 1);
  return first === -1 ? [] : extents.slice(first);
}

/** The common shape of operands under numpy's broadcasting. The operands are known to fit. */
export function broadcastExtents(shapes: readonly (readonly Extent[])[]): Extent[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const aligned = shapes.map((shape) => alignRank(shape, rank));
  return Array.from({ length: rank }, (_, axis) => aligned.map((shape) => shape[axis]!).find((e) => e !== 1) ?? 1);
}

/** A tensor as ONNX holds it. */
export interface Operand {
  readonly name: string;
  /** Aligned with the end of the value's shape; 1 (or nothing) where the value repeats along an axis. */
  readonly extents: readonly Extent[];
}

import { type Shape, stridesOf } from "asl-core";

/** Where an element of a tensor lies: its row-major number, its coordinates, or both; all u32 expressions of WGSL. */
export interface Position {
  readonly shape: Shape;
  readonly flat?: string;
  readonly coordinates?: readonly string[];
}

export const product = (expression: string, factor: number) =>
  factor === 0 || expression === "0u" ? "0u" : factor === 1 ? expression : `${expression} * ${factor}u`;

export const sum = (terms: readonly string[]) => {
  const visible = terms.filter((term) => term !== "0u");
  return visible.length === 0 ? "0u" : visible.join(" + ");
};

/** Row-major number of coordinates. */
export function flatOf(shape: Shape, coordinates: readonly string[]): string {
  const strides = stridesOf(shape);
  return sum(coordinates.map((coordinate, axis) => product(coordinate, shape[axis] === 1 ? 0 : strides[axis]!)));
}

/** Coordinates of a row-major number: floor(flat / stride) mod extent, without what is known beforehand. */
export function coordinatesOf(shape: Shape, flat: string): string[] {
  const strides = stridesOf(shape);
  const outermost = shape.findIndex((extent) => extent !== 1);
  return shape.map((extent, axis) => {
    if (extent <= 1) return "0u";
    const quotient = strides[axis] === 1 ? flat : `${flat} / ${strides[axis]}u`;
    if (axis === outermost) return quotient;
    return `${strides[axis] === 1 ? quotient : `(${quotient})`} % ${extent}u`;
  });
}

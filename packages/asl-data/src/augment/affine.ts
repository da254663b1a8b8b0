import { mapNearest } from "../kernels/augment.js";
import type { Picture } from "../picture.js";
import { takePixels } from "../pixel-pool.js";

export type Interpolation = "nearest" | "bilinear";

/** Red, green, blue, each 0 .. 255. */
export type Colour = readonly [number, number, number];

/** [a, b, c, d, e, f]: the output pixel (x, y) shows the input at (a x + b y + c, d x + e y + f), centres at + 1/2. */
export type AffineMatrix = readonly [number, number, number, number, number, number];

export interface GeometryOptions {
  /** Default "nearest". */
  readonly interpolation?: Interpolation;
  /** Of pixels that show what lies outside. Default black. */
  readonly fill?: Colour;
}

/** The picture through an affine map, at its own size, as `Image.transform(size, AFFINE, matrix, resample)`. */
export function transformAffine(picture: Picture, matrix: AffineMatrix, options: GeometryOptions = {}): Picture {
  const { width, height } = picture;
  const colour = options.fill ?? [0, 0, 0];
  const isNearest = options.interpolation !== "bilinear";
  const isAlongAxes = matrix[1] === 0 && matrix[3] === 0;
  if (isNearest && !isAlongAxes && fitsFixedPoint(picture, matrix)) {
    const steps = fixedPointSteps(matrix);
    const mapped = mapNearest(picture.data, width, colour, steps);
    if (mapped !== undefined) return { width, height, data: mapped };
    const target = filled(picture, colour);
    nearestInFixedPoint(picture, target, steps);
    return { width, height, data: target };
  }
  const target = filled(picture, colour);
  if (!isNearest) bilinear(picture, target, matrix);
  else if (isAlongAxes) nearestAlongAxes(picture, target, matrix);
  else nearestInFloatingPoint(picture, target, matrix);
  return { width, height, data: target };
}

function filled({ data }: Picture, [red, green, blue]: Colour): Uint8Array {
  const target = takePixels(data.length);
  if (red === green && green === blue) return target.fill(red);
  for (let i = 0; i < target.length; i += 3) {
    target[i] = red;
    target[i + 1] = green;
    target[i + 2] = blue;
  }
  return target;
}

/** Turned anticlockwise about its centre, at its own size, as `Image.rotate`. */
export function rotate(picture: Picture, degrees: number, options: GeometryOptions = {}): Picture {
  const remainder = degrees % 360;
  const turn = remainder < 0 ? remainder + 360 : remainder;
  if (turn === 0) return picture;
  const angle = -(turn * (Math.PI / 180));
  // Pillow's rounding, which makes quarter turns exact and takes away what engines' sines differ by
  const rounded = (value: number) => Number(value.toFixed(15));
  const [cos, sin, minusSin] = [rounded(Math.cos(angle)), rounded(Math.sin(angle)), rounded(-Math.sin(angle))];
  const [x, y] = [picture.width / 2, picture.height / 2];
  const matrix: AffineMatrix = [cos, sin, cos * -x + sin * -y + x, minusSin, cos, minusSin * -x + cos * -y + y];
  return transformAffine(picture, matrix, options);
}

/** Without shear or rotation Pillow steps through columns and rows apart, in float64. */
function nearestAlongAxes({ width, height, data }: Picture, target: Uint8Array, [a, , c, , e, f]: AffineMatrix): void {
  const columns = new Int32Array(width);
  for (let x = 0, at = c + a * 0.5; x < width; x++, at += a)
    columns[x] = at < 0 || at >= width ? -1 : Math.trunc(at) * 3;
  const first = columns.findIndex((column) => column >= 0);
  const last = columns.findLastIndex((column) => column >= 0);
  if (first < 0) return;
  // a translation copies one piece of each row
  const isOnePiece = columns[last]! - columns[first]! === (last - first) * 3 && a > 0 && a <= 1;
  for (let y = 0, at = f + e * 0.5; y < height; y++, at += e) {
    if (at < 0 || at >= height) continue;
    const row = Math.trunc(at) * width * 3;
    if (isOnePiece) {
      const from = row + columns[first]!;
      target.set(data.subarray(from, from + (last - first + 1) * 3), (y * width + first) * 3);
      continue;
    }
    for (let x = 0, to = y * width * 3; x < width; x++, to += 3) {
      const column = columns[x]!;
      if (column < 0) continue;
      target[to] = data[row + column]!;
      target[to + 1] = data[row + column + 1]!;
      target[to + 2] = data[row + column + 2]!;
    }
  }
}

/** Whether all corners lie where 16 bits before the point hold them. */
function fitsFixedPoint({ width, height }: Picture, [a, b, c, d, e, f]: AffineMatrix): boolean {
  return [
    [0, 0],
    [width, height],
    [0, height],
    [width, 0],
  ].every(([x, y]) => Math.abs(x! * a + y! * b + c) < 2 ** 15 && Math.abs(x! * d + y! * e + f) < 2 ** 15);
}

/** Start, step along x and step along y of x, then of y. */
type FixedPointSteps = readonly [number, number, number, number, number, number];

/** 16.16 fixed point, rounded once per coefficient. */
function fixedPointSteps([a, b, c, d, e, f]: AffineMatrix): FixedPointSteps {
  const fixed = (value: number) => Math.floor(value * 65536 + 0.5);
  const [xStart, yStart] = [fixed(c + a * 0.5 + b * 0.5), fixed(f + d * 0.5 + e * 0.5)];
  return [xStart, fixed(a), fixed(b), yStart, fixed(d), fixed(e)];
}

/** Steps are added up: a long row drifts, as Pillow's does. */
function nearestInFixedPoint(
  { width, height, data }: Picture,
  target: Uint8Array,
  [xFirst, xStep, xRowStep, yFirst, yStep, yRowStep]: FixedPointSteps,
): void {
  let xStart = xFirst;
  let yStart = yFirst;
  for (let y = 0, to = 0; y < height; y++) {
    let xAt = xStart | 0;
    let yAt = yStart | 0;
    for (let x = 0; x < width; x++, to += 3) {
      const column = xAt >> 16;
      const row = yAt >> 16;
      if (column >= 0 && column < width && row >= 0 && row < height) {
        const from = (row * width + column) * 3;
        target[to] = data[from]!;
        target[to + 1] = data[from + 1]!;
        target[to + 2] = data[from + 2]!;
      }
      xAt = (xAt + xStep) | 0;
      yAt = (yAt + yStep) | 0;
    }
    xStart += xRowStep;
    yStart += yRowStep;
  }
}

function nearestInFloatingPoint(
  { width, height, data }: Picture,
  target: Uint8Array,
  [a, b, c, d, e, f]: AffineMatrix,
): void {
  let xStart = c + b * 0.5 + a * 0.5;
  let yStart = f + e * 0.5 + d * 0.5;
  for (let y = 0, to = 0; y < height; y++, xStart += b, yStart += e) {
    let xAt = xStart;
    let yAt = yStart;
    for (let x = 0; x < width; x++, to += 3, xAt += a, yAt += d) {
      if (xAt < 0 || xAt >= width || yAt < 0 || yAt >= height) continue;
      const from = (Math.trunc(yAt) * width + Math.trunc(xAt)) * 3;
      target[to] = data[from]!;
      target[to + 1] = data[from + 1]!;
      target[to + 2] = data[from + 2]!;
    }
  }
}

/** v = (1 - dy) ((1 - dx) v00 + dx v01) + dy (...), in float64, rounded down; the border's pixels go on outwards. */
function bilinear({ width, height, data }: Picture, target: Uint8Array, [a, b, c, d, e, f]: AffineMatrix): void {
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      const xAt = a * (x + 0.5) + b * (y + 0.5) + c;
      const yAt = d * (x + 0.5) + e * (y + 0.5) + f;
      if (xAt < 0 || xAt >= width || yAt < 0 || yAt >= height) continue;
      const left = Math.floor(xAt - 0.5);
      const top = Math.floor(yAt - 0.5);
      const dx = xAt - 0.5 - left;
      const dy = yAt - 0.5 - top;
      const x0 = Math.max(left, 0) * 3;
      const x1 = Math.min(left + 1, width - 1) * 3;
      const upper = Math.max(top, 0) * width * 3;
      const lower = Math.min(top + 1, height - 1) * width * 3;
      for (let channel = 0; channel < 3; channel++) {
        const v00 = data[upper + x0 + channel]!;
        const v10 = data[lower + x0 + channel]!;
        const v0 = v00 + (data[upper + x1 + channel]! - v00) * dx;
        const v1 = v10 + (data[lower + x1 + channel]! - v10) * dx;
        target[to + channel] = v0 + (v1 - v0) * dy;
      }
    }
  }
}

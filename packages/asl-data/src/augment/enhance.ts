import { adjustSaturation, sharpen, sumGrey } from "../kernels/augment.js";
import type { Picture } from "../picture.js";
import { throughTable } from "./tables.js";

/*
 * Pillow's ImageEnhance: out = d + factor (v - d) in float32, limited to 0 .. 255 and rounded down, where d is the
 * picture without the property (grey, black, blurred). Factor 0 gives d, 1 the picture itself; more than 1 exaggerates.
 */

/** Grey value as Pillow's `convert("L")`: ITU-R 601-2 weights in 16-bit fixed point. */
const luma = (red: number, green: number, blue: number) => (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;

/** Saturation, as `ImageEnhance.Color`: d is the grey picture. */
export function adjustColor({ width, height, data }: Picture, factor: number): Picture {
  const adjusted = adjustSaturation(data, factor);
  if (adjusted !== undefined) return { width, height, data: adjusted };
  const products = productsOf(factor);
  const enhanced = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const [red, green, blue] = [data[i]!, data[i + 1]!, data[i + 2]!];
    const grey = luma(red, green, blue);
    enhanced[i] = Math.fround(grey + products[255 + red - grey]!) | 0;
    enhanced[i + 1] = Math.fround(grey + products[255 + green - grey]!) | 0;
    enhanced[i + 2] = Math.fround(grey + products[255 + blue - grey]!) | 0;
  }
  return { width, height, data: new Uint8Array(enhanced.buffer) };
}

/** As `ImageEnhance.Contrast`: d is the mean of the grey picture, rounded. */
export function adjustContrast(picture: Picture, factor: number): Picture {
  const { width, height, data } = picture;
  // the kernel leaves what is no whole four of pixels
  const byKernel = sumGrey(data);
  let sum = byKernel ?? 0;
  const from = byKernel === undefined ? 0 : data.length - (data.length % 12);
  for (let i = from; i < data.length; i += 3) sum += luma(data[i]!, data[i + 1]!, data[i + 2]!);
  return throughTable(picture, awayFrom(Math.floor(sum / (width * height) + 0.5), factor));
}

/** As `ImageEnhance.Brightness`: d is black. */
export function adjustBrightness(picture: Picture, factor: number): Picture {
  return throughTable(picture, awayFrom(0, factor));
}

/**
 * As `ImageEnhance.Sharpness`: d is the picture smoothed with [1 1 1; 1 5 1; 1 1 1] / 13, its border left as it is.
 */
export function adjustSharpness(picture: Picture, factor: number): Picture {
  const { width, height, data } = picture;
  if (width < 3 || height < 3) return picture; // Pillow's filter leaves it alone
  const stride = width * 3;
  const sharpened = sharpen(data, stride, factor);
  if (sharpened !== undefined) return { width, height, data: sharpened };
  const products = productsOf(factor);
  const enhanced = new Uint8ClampedArray(data);
  const columns = new Int32Array(stride);
  for (let y = 1; y < height - 1; y++) {
    const row = y * stride;
    for (let i = 0; i < stride; i++) columns[i] = data[row + i - stride]! + data[row + i]! + data[row + i + stride]!;
    for (let i = 3; i < stride - 3; i++) {
      const value = data[row + i]!;
      // round(sum / 13): no sum of whole numbers lies half way, and Pillow's float32 never errs by 1 / 26
      const sum = columns[i - 3]! + columns[i]! + columns[i + 3]! + 4 * value;
      const smooth = ((2 * sum + 13) / 26) | 0;
      enhanced[row + i] = Math.fround(smooth + products[255 + value - smooth]!) | 0;
    }
  }
  return { width, height, data: new Uint8Array(enhanced.buffer) };
}

/** factor (v - d) in float32 for v - d = -255 .. 255, at index 255 + v - d. */
function productsOf(factor: number): Float32Array {
  const single = Math.fround(factor);
  return Float32Array.from({ length: 511 }, (_, i) => single * (i - 255));
}

/** The table of out = d + factor (v - d) for one d. */
function awayFrom(d: number, factor: number): Uint8Array {
  const products = productsOf(factor);
  const table = Uint8ClampedArray.from({ length: 256 }, (_, value) =>
    Math.trunc(Math.fround(d + products[255 + value - d]!)),
  );
  return new Uint8Array(table.buffer);
}

/**
 * `pixels` RGB pixels to three planes of float32, value / 255 (correctly rounded, as any division of WebAssembly).
 * Planes are `pixels` rounded up to a multiple of 4 long; up to 19 bytes beyond the source are read.
 */
export function toPlanes(source: usize, pixels: i32, target: usize): void {
  const plane: usize = ((<usize>pixels + 3) & ~3) * 4;
  const green = target + plane;
  const blue = green + plane;
  const full = f32x4.splat(255);
  for (let at: usize = 0; at < plane; at += 16) {
    const bytes = v128.load(source);
    const reds = v128.swizzle(bytes, i8x16(0, -1, -1, -1, 3, -1, -1, -1, 6, -1, -1, -1, 9, -1, -1, -1));
    const greens = v128.swizzle(bytes, i8x16(1, -1, -1, -1, 4, -1, -1, -1, 7, -1, -1, -1, 10, -1, -1, -1));
    const blues = v128.swizzle(bytes, i8x16(2, -1, -1, -1, 5, -1, -1, -1, 8, -1, -1, -1, 11, -1, -1, -1));
    v128.store(target + at, f32x4.div(f32x4.convert_i32x4_s(reds), full));
    v128.store(green + at, f32x4.div(f32x4.convert_i32x4_s(greens), full));
    v128.store(blue + at, f32x4.div(f32x4.convert_i32x4_s(blues), full));
    source += 12;
  }
}

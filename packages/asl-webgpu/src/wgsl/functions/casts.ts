import type { WgslFunction } from "./function.js";

export const CASTS = {
  // toward zero; saturates, NaN gives 0
  i32_from_f32: {
    needs: ["is_nan"],
    text: `fn i32_from_f32(x: f32) -> i32 {
  if (is_nan(x)) { return 0; }
  let bits = bitcast<u32>(x);
  // from 2^31 on
  if ((bits & 0x7fffffffu) >= 0x4f000000u) { return select(2147483647, -2147483647 - 1, bits > 0x80000000u); }
  return i32(x);
}`,
  },
  // two exact parts, so that the one rounding is that of an addition
  f32_from_i32: {
    needs: [],
    text: "fn f32_from_i32(x: i32) -> f32 { return f32(x >> 16u) * 65536.0 + f32(x & 0xffff); }",
  },
  bool_from_f32: {
    needs: [],
    text: "fn bool_from_f32(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) != 0u; }",
  },
} as const satisfies Record<string, WgslFunction>;

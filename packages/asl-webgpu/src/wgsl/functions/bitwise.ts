import type { WgslFunction } from "./function.js";

/**
 * Comparisons on bit patterns. WGSL lets a device assume that there is neither NaN nor infinity, take -0 for +0, and
 * flush denormals; integers are what they are.
 */
export const BITWISE = {
  is_nan: {
    needs: [],
    text: "fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }",
  },
  quiet_nan: { needs: [], text: "fn quiet_nan() -> f32 { return bitcast<f32>(0x7fc00000u ^ zero); }" },
  infinity: { needs: [], text: "fn infinity() -> f32 { return bitcast<f32>(0x7f800000u ^ zero); }" },
  neg_f32: {
    needs: [],
    text: "fn neg_f32(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u); }",
  },
  abs_f32: {
    needs: [],
    text: "fn abs_f32(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu); }",
  },
  // -0 and +0 have one place; of NaN nothing is said
  place: {
    needs: [],
    text: `fn place(x: f32) -> i32 {
  let bits = bitcast<i32>(x);
  return select(bits, -(bits & 0x7fffffff), bits < 0);
}`,
  },
  // -0 comes before +0
  signed_place: {
    needs: [],
    text: `fn signed_place(x: f32) -> i32 {
  let bits = bitcast<i32>(x);
  return bits ^ ((bits >> 31u) & 0x7fffffff);
}`,
  },
  less_f32: {
    needs: ["is_nan", "place"],
    text: "fn less_f32(a: f32, b: f32) -> bool { return !is_nan(a) && !is_nan(b) && place(a) < place(b); }",
  },
  equal_f32: {
    needs: ["is_nan", "place"],
    text: "fn equal_f32(a: f32, b: f32) -> bool { return !is_nan(a) && !is_nan(b) && place(a) == place(b); }",
  },
  max_f32: {
    needs: ["is_nan", "signed_place"],
    text: `fn max_f32(a: f32, b: f32) -> f32 {
  return select(b, a, is_nan(a) || (!is_nan(b) && signed_place(a) > signed_place(b)));
}`,
  },
  min_f32: {
    needs: ["is_nan", "signed_place"],
    text: `fn min_f32(a: f32, b: f32) -> f32 {
  return select(b, a, is_nan(a) || (!is_nan(b) && signed_place(a) < signed_place(b)));
}`,
  },
  floor_f32: {
    needs: [],
    text: `fn floor_f32(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let magnitude = bits & 0x7fffffffu;
  // whole already, infinite, NaN or zero
  if (magnitude >= 0x4b000000u || magnitude == 0u) { return x; }
  // -1 or +0 by its sign bit: Mesa takes select(0.0, -1.0, c) for -f32(c), whose zero is -0
  if (magnitude < 0x3f800000u) { return bitcast<f32>((bits >> 31u) * 0xbf800000u); }
  return floor(x);
}`,
  },
} as const satisfies Record<string, WgslFunction>;

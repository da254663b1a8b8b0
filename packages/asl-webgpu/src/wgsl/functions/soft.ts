import type { WgslFunction } from "./function.js";

/**
 * Arithmetic on bit patterns, rounded to nearest, ties to even, denormals kept: for devices whose own does not round
 * as IEEE 754 says. A number is sign, biased exponent and a significand whose leading one is bit 30.
 */
export const SOFT = {
  shifted_right: {
    needs: [],
    // what falls off stays visible as the last bit
    text: `fn shifted_right(x: u32, count: u32) -> u32 {
  if (count > 31u) { return select(0u, 1u, x != 0u); }
  if (count == 0u) { return x; }
  return (x >> count) | select(0u, 1u, (x << (32u - count)) != 0u);
}`,
  },
  rounded: {
    needs: ["shifted_right"],
    text: `fn rounded(sign: u32, exponent: i32, significand: u32) -> f32 {
  var bits = significand;
  var e = exponent;
  if (e < 1) {
    bits = shifted_right(bits, u32(1 - e));
    e = 1;
  }
  var result = (bits + 64u) >> 7u;
  if ((bits & 127u) == 64u) { result &= 0xfffffffeu; }
  if (e > 254) { return bitcast<f32>((sign | 0x7f800000u) ^ zero); }
  // a significand that was rounded up to 2^24 carries into the exponent, and into infinity
  return bitcast<f32>((sign | ((u32(e - 1) << 23u) + result)) ^ zero);
}`,
  },
  // exponent and significand of |x| with the leading one at bit 23, also of a denormal
  unpacked: {
    needs: [],
    text: `fn unpacked(bits: u32) -> vec2i {
  let magnitude = bits & 0x7fffffffu;
  if (magnitude >= 0x00800000u) { return vec2i(i32(magnitude >> 23u), i32((magnitude & 0x007fffffu) | 0x00800000u)); }
  let shift = countLeadingZeros(magnitude) - 8u;
  return vec2i(1 - i32(shift), i32(magnitude << shift));
}`,
  },
  wide_product: {
    needs: [],
    text: `fn wide_product(a: u32, b: u32) -> vec2u {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let cross1 = (a & 0xffffu) * (b >> 16u);
  let cross2 = (a >> 16u) * (b & 0xffffu);
  let middle = (low >> 16u) + (cross1 & 0xffffu) + (cross2 & 0xffffu);
  let high = (a >> 16u) * (b >> 16u) + (cross1 >> 16u) + (cross2 >> 16u) + (middle >> 16u);
  return vec2u((low & 0xffffu) | (middle << 16u), high);
}`,
  },
  soft_add: {
    needs: ["is_nan", "quiet_nan", "rounded", "shifted_right"],
    text: `fn soft_add(a: f32, b: f32) -> f32 {
  if (is_nan(a) || is_nan(b)) { return quiet_nan(); }
  let a_bits = bitcast<u32>(a);
  let b_bits = bitcast<u32>(b);
  let a_is_larger = (a_bits & 0x7fffffffu) >= (b_bits & 0x7fffffffu);
  let large = select(b_bits, a_bits, a_is_larger);
  let small = select(a_bits, b_bits, a_is_larger);
  let large_size = large & 0x7fffffffu;
  let small_size = small & 0x7fffffffu;
  let sign = large & 0x80000000u;
  let differ = (large ^ small) >= 0x80000000u;
  if (large_size == 0x7f800000u) {
    if (small_size == 0x7f800000u && differ) { return quiet_nan(); }
    return bitcast<f32>(large ^ zero);
  }
  if (large_size == 0u) { return bitcast<f32>((large & small) ^ zero); }
  let large_exponent = max(large_size >> 23u, 1u);
  let small_exponent = max(small_size >> 23u, 1u);
  let large_part = ((large_size & 0x007fffffu) | select(0u, 0x00800000u, large_size >= 0x00800000u)) << 6u;
  let small_part = ((small_size & 0x007fffffu) | select(0u, 0x00800000u, small_size >= 0x00800000u)) << 6u;
  let aligned = shifted_right(small_part, large_exponent - small_exponent);
  let sum = select(large_part + aligned, large_part - aligned, differ);
  if (sum == 0u) { return bitcast<f32>(zero); }
  let shift = countLeadingZeros(sum) - 1u;
  return rounded(sign, i32(large_exponent) + 1 - i32(shift), sum << shift);
}`,
  },
  soft_sub: {
    needs: ["neg_f32", "soft_add"],
    text: "fn soft_sub(a: f32, b: f32) -> f32 { return soft_add(a, neg_f32(b)); }",
  },
  soft_mul: {
    needs: ["is_nan", "quiet_nan", "rounded", "unpacked", "wide_product"],
    text: `fn soft_mul(a: f32, b: f32) -> f32 {
  if (is_nan(a) || is_nan(b)) { return quiet_nan(); }
  let a_bits = bitcast<u32>(a);
  let b_bits = bitcast<u32>(b);
  let sign = (a_bits ^ b_bits) & 0x80000000u;
  let is_infinite = ((a_bits << 1u) == 0xff000000u) || ((b_bits << 1u) == 0xff000000u);
  if ((a_bits << 1u) == 0u || (b_bits << 1u) == 0u) {
    if (is_infinite) { return quiet_nan(); }
    return bitcast<f32>(sign ^ zero);
  }
  if (is_infinite) { return bitcast<f32>((sign | 0x7f800000u) ^ zero); }
  let x = unpacked(a_bits);
  let y = unpacked(b_bits);
  // 31 bits times 32 bits: the leading one is bit 61 or 62
  let product = wide_product(u32(x.y) << 7u, u32(y.y) << 8u);
  let significand = product.y | select(0u, 1u, product.x != 0u);
  let is_high = significand >= 0x40000000u;
  return rounded(sign, x.x + y.x - 127 + select(0, 1, is_high), select(significand << 1u, significand, is_high));
}`,
  },
  // long division, bit by bit
  soft_div: {
    needs: ["is_nan", "quiet_nan", "rounded", "unpacked"],
    text: `fn soft_div(a: f32, b: f32) -> f32 {
  if (is_nan(a) || is_nan(b)) { return quiet_nan(); }
  let a_bits = bitcast<u32>(a);
  let b_bits = bitcast<u32>(b);
  let sign = (a_bits ^ b_bits) & 0x80000000u;
  let a_is_zero = (a_bits << 1u) == 0u;
  let b_is_zero = (b_bits << 1u) == 0u;
  let a_is_infinite = (a_bits << 1u) == 0xff000000u;
  let b_is_infinite = (b_bits << 1u) == 0xff000000u;
  if ((a_is_zero && b_is_zero) || (a_is_infinite && b_is_infinite)) { return quiet_nan(); }
  if (a_is_zero || b_is_infinite) { return bitcast<f32>(sign ^ zero); }
  if (b_is_zero || a_is_infinite) { return bitcast<f32>((sign | 0x7f800000u) ^ zero); }
  let x = unpacked(a_bits);
  let y = unpacked(b_bits);
  let divisor = u32(y.y);
  var rest = u32(x.y);
  var exponent = x.x - y.x + 127;
  if (rest < divisor) {
    rest <<= 1u;
    exponent -= 1;
  }
  var quotient = 0u;
  for (var bit = 0u; bit < 31u; bit++) {
    quotient <<= 1u;
    if (rest >= divisor) {
      rest -= divisor;
      quotient |= 1u;
    }
    rest <<= 1u;
  }
  return rounded(sign, exponent, quotient | select(0u, 1u, rest != 0u));
}`,
  },
  // the square root by hand, two bits of the radicand for each of the result
  soft_sqrt: {
    needs: ["is_nan", "quiet_nan", "rounded", "unpacked"],
    text: `fn soft_sqrt(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  if (is_nan(x) || (bits << 1u) == 0u || bits == 0x7f800000u) { return x; }
  if (bits > 0x80000000u) { return quiet_nan(); }
  let parts = unpacked(bits);
  // x = m 2^e with e even and m of 24 or 25 bits, taken from the top of 26
  let exponent = parts.x - 127;
  let radicand = u32(parts.y) << select(1u, 2u, (exponent & 1) != 0);
  var root = 0u;
  var rest = 0u;
  for (var step = 0u; step < 26u; step++) {
    let pair = select(0u, (radicand >> (24u - 2u * min(step, 12u))) & 3u, step < 13u);
    rest = (rest << 2u) | pair;
    let attempt = (root << 2u) | 1u;
    root <<= 1u;
    if (rest >= attempt) {
      rest -= attempt;
      root |= 1u;
    }
  }
  return rounded(0u, (exponent >> 1u) + 127, (root << 5u) | select(0u, 1u, rest != 0u));
}`,
  },
} as const satisfies Record<string, WgslFunction>;

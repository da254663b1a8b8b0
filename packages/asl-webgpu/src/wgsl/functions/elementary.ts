import type { WgslFunction } from "./function.js";

/** Functions for which WGSL promises less than the ops' contracts ask. */
export const ELEMENTARY = {
  // e^(high + low) = 2^n e^r with |r| <= ln 2 / 2; Taylor's series to r^7, whose rest is below 0.1 ULP. n ln 2 is
  // taken off in two parts (Cody and Waite 1980), the first of which is exact.
  exp_sum: {
    needs: ["held"],
    text: `fn exp_sum(high: f32, low: f32) -> f32 {
  let n = floor(high * 1.44269504 + 0.5);
  let r = held(held(high - n * 0.693359375) + n * 2.12194440e-4) + low;
  let series = 0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0)))));
  let power = 1.0 + (r + r * r * series);
  // 2^n in two factors: either alone is a normal number
  let half = i32(n) >> 1u;
  let first = bitcast<f32>(u32(half + 127) << 23u);
  let second = bitcast<f32>(u32(i32(n) - half + 127) << 23u);
  return held(power * first) * second;
}`,
  },
  exp_f32: {
    needs: ["exp_sum", "infinity", "is_nan"],
    text: `fn exp_f32(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (bitcast<i32>(x) > bitcast<i32>(88.7228394)) { return infinity(); }
  if (bitcast<u32>(x) > bitcast<u32>(-104.0)) { return 0.0; }
  return exp_sum(x, 0.0);
}`,
  },
  // x = 2^k m, m = 1 + f in [sqrt 1/2, sqrt 2); with s = f / (2 + f): log(1 + f) = 2 atanh s = f - s (f - R),
  // R = 2 s^2 (1/3 + s^2/5 + ...) / s, arranged so that f, which is exact, carries the result
  log_f32: {
    needs: ["held", "infinity", "is_nan", "quiet_nan"],
    text: `fn log_f32(x: f32) -> f32 {
  var bits = bitcast<u32>(x);
  if (is_nan(x) || bits == 0x7f800000u) { return x; }
  if ((bits << 1u) == 0u) { return -infinity(); }
  if (bits > 0x80000000u) { return quiet_nan(); }
  var exponent = 0;
  if (bits < 0x00800000u) {
    bits = bitcast<u32>(f32(bits));
    exponent = -149;
  }
  let k = (bitcast<i32>(bits) - 0x3f3504f3) >> 23u;
  exponent += k;
  let f = bitcast<f32>(bitcast<i32>(bits) - (k << 23u)) - 1.0;
  let s = f / (2.0 + f);
  let z = s * s;
  let rest = z * (2.0 / 3.0 + z * (2.0 / 5.0 + z * (2.0 / 7.0 + z * (2.0 / 9.0 + z * (2.0 / 11.0)))));
  let square = 0.5 * f * f;
  let e = f32(exponent);
  return e * 0.693359375 + held(f - held(square - held(s * (square + rest) - e * 2.12194440e-4)));
}`,
  },
  // 1 / (1 + e^-x); e^x / (1 + e^x) for x < 0, accurate until e^x itself underflows
  sigmoid_f32: {
    needs: ["abs_f32", "exp_f32", "is_nan", "neg_f32"],
    text: `fn sigmoid_f32(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let power = exp_f32(neg_f32(abs_f32(x)));
  return select(1.0, power, bitcast<i32>(x) < 0) / (1.0 + power);
}`,
  },
  // a b = sum of the two, exactly (Dekker 1971); halves of 12 bits have products of 24
  exact_product: {
    needs: ["held"],
    text: `fn exact_product(a: f32, b: f32) -> vec2f {
  let a1 = bitcast<f32>(bitcast<u32>(a) & 0xfffff000u);
  let b1 = bitcast<f32>(bitcast<u32>(b) & 0xfffff000u);
  let a2 = held(a - a1);
  let b2 = held(b - b1);
  let product = held(a * b);
  let error = held(held(held(held(a1 * b1) - product) + held(a1 * b2)) + held(a2 * b1)) + held(a2 * b2);
  return vec2f(product, error);
}`,
  },
  // log x as a sum of two numbers, for finite x > 0: relative error about 2^-29
  log_pair: {
    needs: ["exact_product", "held"],
    text: `fn log_pair(x: f32) -> vec2f {
  var bits = bitcast<u32>(x);
  var exponent = 0;
  if (bits < 0x00800000u) {
    bits = bitcast<u32>(f32(bits));
    exponent = -149;
  }
  let k = (bitcast<i32>(bits) - 0x3f3504f3) >> 23u;
  exponent += k;
  let f = bitcast<f32>(bitcast<i32>(bits) - (k << 23u)) - 1.0;
  let d = held(2.0 + f);
  let d_rest = held(f - held(d - 2.0));
  // s = f / (2 + f), and what its rounding left
  let s = held(f / d);
  let product = exact_product(s, d);
  let s_rest = (held(held(held(f - product.x) - product.y) - held(s * d_rest))) / d;
  let z = s * s;
  let series = s * z * (2.0 / 3.0 + z * (2.0 / 5.0 + z * (2.0 / 7.0 + z * (2.0 / 9.0 + z * (2.0 / 11.0)))));
  let e = f32(exponent);
  let whole = held(e * 0.693359375);
  let twice = 2.0 * s;
  let sum = held(whole + twice);
  // the error of that sum (Knuth's TwoSum)
  let part = held(sum - whole);
  let error = held(held(whole - held(sum - part)) + held(twice - part));
  let low = held(error + held(held(2.0 * s_rest + series) - e * 2.12194440e-4));
  let high = held(sum + low);
  return vec2f(high, held(low - held(high - sum)));
}`,
  },
  // e^(b log a); the special cases are ECMAScript's
  pow_f32: {
    needs: ["abs_f32", "exact_product", "exp_sum", "floor_f32", "held", "infinity", "is_nan", "log_pair", "quiet_nan"],
    text: `fn pow_f32(a: f32, b: f32) -> f32 {
  let base = abs_f32(a);
  let base_bits = bitcast<u32>(base);
  let b_bits = bitcast<u32>(b);
  let falls = b_bits >= 0x80000000u;
  if ((b_bits << 1u) == 0u) { return 1.0; }
  if (is_nan(a) || is_nan(b)) { return quiet_nan(); }
  if ((b_bits << 1u) == 0xff000000u) {
    if (base_bits == 0x3f800000u) { return quiet_nan(); }
    return select(0.0, infinity(), (base_bits > 0x3f800000u) != falls);
  }
  let is_whole = bitcast<u32>(floor_f32(b)) == b_bits;
  let half = b * 0.5;
  let is_odd = is_whole && bitcast<u32>(floor_f32(half)) != bitcast<u32>(half);
  let is_negative = bitcast<u32>(a) >= 0x80000000u;
  let sign = select(0u, 0x80000000u, is_negative && is_odd);
  if (base_bits == 0u || base_bits == 0x7f800000u) {
    let size = select(0.0, infinity(), (base_bits == 0u) == falls);
    return bitcast<f32>(bitcast<u32>(size) | sign);
  }
  if (is_negative && !is_whole) { return quiet_nan(); }
  let logarithm = log_pair(base);
  let rough = b * logarithm.x;
  if (rough > 150.0) { return bitcast<f32>(bitcast<u32>(infinity()) | sign); }
  if (rough < -150.0) { return bitcast<f32>(sign ^ zero); }
  let exponent = exact_product(b, logarithm.x);
  let rest = exponent.y + b * logarithm.y;
  var size = 0.0;
  if (exponent.x > 89.0) { size = infinity(); }
  else if (exponent.x > -104.0) { size = exp_sum(exponent.x, rest); }
  return bitcast<f32>(bitcast<u32>(size) | sign);
}`,
  },
} as const satisfies Record<string, WgslFunction>;

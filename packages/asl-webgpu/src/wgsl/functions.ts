/** A WGSL function that kernels may call, and the functions that it calls itself. */
export interface WgslFunction {
  readonly needs: readonly string[];
  readonly text: string;
}

/**
 * `zero` is a uniform that is 0 in every run: what is combined with it cannot be computed, reordered or contracted by a
 * compiler, and non-finite constants, which WGSL refuses, can be written down.
 */
const HELD: WgslFunction = {
  needs: [],
  text: "fn held(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ zero); }",
};

/**
 * Comparisons on bit patterns. WGSL lets a device assume that there is neither NaN nor infinity, take -0 for +0, and
 * flush denormals; integers are what they are.
 */
const BITWISE = {
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

const CASTS = {
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

/** Functions for which WGSL promises less than the ops' contracts ask. */
const ELEMENTARY = {
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

/**
 * Arithmetic on bit patterns, rounded to nearest, ties to even, denormals kept: for devices whose own does not round
 * as IEEE 754 says. A number is sign, biased exponent and a significand whose leading one is bit 30.
 */
const SOFT = {
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

/** Every function by name. */
export const FUNCTIONS = { held: HELD, ...BITWISE, ...CASTS, ...ELEMENTARY, ...SOFT } as const;

export type FunctionName = keyof typeof FUNCTIONS;

/** The text of the named functions and of all that they need, each once, callees first. */
export function functionsText(names: Iterable<string>): string {
  const texts = new Map<string, string>();
  const visit = (name: string): void => {
    if (texts.has(name)) return;
    const { needs, text } = FUNCTIONS[name as FunctionName] as WgslFunction;
    for (const need of needs) visit(need);
    texts.set(name, text);
  };
  for (const name of [...names].sort()) visit(name);
  return [...texts.values()].join("\n");
}

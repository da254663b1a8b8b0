import { abs, add, build, createRandom, div, f32, mul, type Program, sqrt, sub, type Tensors } from "asl-core";
import type { Arithmetic } from "../lower/lowering.js";
import { planProgram, type Target } from "../plan/program-plan.js";
import type { Device } from "./device.js";
import { DeviceProgram } from "./program.js";
import { DeviceState } from "./state.js";

const SAMPLES = 1024;
/** 1.5 x 2^23: adding and subtracting it rounds to a whole number. */
const MAGIC = 12582912;
const vector = { dtype: "f32", shape: [SAMPLES] } as const;
const fround = Math.fround;

/** Chains that a compiler may not reorder, contract or shorten, and single operations that must round correctly. */
const program: Program = {
  graph: build((b) => {
    const [x, y, product] = [b.input("x", vector), b.input("y", vector), b.input("product", vector)];
    const sum = add(x, y);
    const part = sub(sum, x);
    return {
      sum,
      difference: sub(x, y),
      product: mul(x, y),
      // Knuth's TwoSum: what the rounding of x + y has cut off
      error: add(sub(x, sub(sum, part)), sub(y, part)),
      whole: sub(add(x, MAGIC), MAGIC),
      contracted: sub(mul(x, y), product),
      reassociated: add(sub(1, x), 0.05),
      quotient: div(x, y),
      root: sqrt(abs(x)),
    };
  }),
  reads: {},
  writes: {},
  finite: [],
};

function samples(): { readonly x: Float32Array; readonly y: Float32Array } {
  const random = createRandom("webgpu", "probe");
  const draw = () =>
    fround(random.between(1, 2) * 2 ** Math.floor(random.between(-12, 12))) * (random.chance(0.5) ? 1 : -1);
  return { x: Float32Array.from({ length: SAMPLES }, draw), y: Float32Array.from({ length: SAMPLES }, draw) };
}

/** IEEE 754's answers: float64 rounded once is the correctly rounded float32 operation (Figueroa 1995). */
const EXPECTED: Readonly<Record<string, readonly [keyof Arithmetic, (x: number, y: number) => number]>> = {
  sum: ["sum", (x, y) => fround(x + y)],
  difference: ["sum", (x, y) => fround(x - y)],
  product: ["sum", (x, y) => fround(x * y)],
  error: ["sum", (x, y) => fround(x + y - fround(x + y))],
  whole: ["sum", (x) => fround(fround(x + MAGIC) - MAGIC)],
  contracted: ["sum", () => 0],
  reassociated: ["sum", (x) => fround(fround(1 - x) + fround(0.05))],
  quotient: ["quotient", (x, y) => fround(x / y)],
  root: ["root", (x) => fround(Math.sqrt(Math.abs(x)))],
};

/**
 * Runs small kernels, made as all others are, and compares every bit with IEEE 754's. What a device gets wrong in spite of
 * barriers is computed on bit patterns from then on.
 */
export async function probeArithmetic(device: Device, target: Omit<Target, "arithmetic">): Promise<Arithmetic> {
  const native: Arithmetic = { sum: "native", quotient: "native", root: "native" };
  const { x, y } = samples();
  const product = Float32Array.from(x, (each, i) => each * y[i]!);
  const state = await DeviceState.open(device, {}, new Set());
  const plan = planProgram(program, { ...target, arithmetic: native });
  const compiled = await DeviceProgram.open("probe", plan, device, state, () => undefined);
  try {
    const feeds = { x: f32([SAMPLES], x), y: f32([SAMPLES], y), product: f32([SAMPLES], product) };
    compiled.upload(feeds);
    return judged(await compiled.run(feeds), x, y);
  } finally {
    compiled.destroy();
    state.destroy();
  }
}

/** Native where every bit is right. */
export function judged(answers: Tensors, x: Float32Array, y: Float32Array): Arithmetic {
  const arithmetic: { -readonly [K in keyof Arithmetic]: Arithmetic[K] } = {
    sum: "native",
    quotient: "native",
    root: "native",
  };
  for (const [name, [part, exact]] of Object.entries(EXPECTED)) {
    const { data } = answers[name]!;
    // the sign of zero is the sum's own affair
    const isRight = x.every((each, i) => data[i] === exact(each, y[i]!));
    if (!isRight) arithmetic[part] = "soft";
  }
  return arithmetic;
}

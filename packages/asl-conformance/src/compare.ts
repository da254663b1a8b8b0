import { formatType, sameType, type TensorData } from "asl-core";
import type { Bounded } from "./error-rules.js";
import { bitsOf, countOnes, hexBits, LARGEST_FINITE, ulpOf } from "./float32.js";

/** The first element that breaks the contract. */
export interface Difference {
  readonly output: string;
  /** Position along each axis. */
  readonly index: readonly number[];
  readonly actual: number;
  readonly expected: number;
  /** Of the values as float32, in hexadecimal. */
  readonly actualBits: string;
  readonly expectedBits: string;
  /** Largest |actual - expected| that the contracts allow; 0 in the exact tiers. */
  readonly allowed: number;
}

export interface Comparison {
  readonly elements: number;
  /** Between actual and expected as float32, over all elements; counted in the exact tiers. */
  readonly differingBits: number;
  /** Largest error in units in the last place of the expected value. */
  readonly worstUlp: number;
  /** Largest error / allowed error; at most 1 when the contracts hold. 0 in the exact tiers when all bits agree. */
  readonly worstRatio: number;
  readonly first: Difference | undefined;
}

/** Same bits as float32 (any NaN equals any NaN); integers and truth values equal. */
export function compareBits(output: string, actual: TensorData, expected: TensorData): Comparison {
  requireType(output, actual, expected);
  const isReal = expected.type.dtype === "f32";
  return compareElements(output, actual, expected, (got, wanted) => {
    if (!isReal)
      return { bits: got === wanted ? 0 : countOnes(got ^ wanted), ratio: got === wanted ? 0 : Infinity, allowed: 0 };
    const bits = countOnes((bitsOf(got) ^ bitsOf(wanted)) >>> 0);
    return { bits, ratio: bits === 0 ? 0 : Number.POSITIVE_INFINITY, allowed: 0 };
  });
}

/** |actual - expected| <= error; NaN where NaN is expected, an infinity where that is expected or within the error. */
export function compareBounded(
  output: string,
  actual: TensorData,
  expected: TensorData,
  error: Bounded["error"],
): Comparison {
  requireType(output, actual, expected);
  return compareElements(output, actual, expected, (got, wanted, i) => ({
    bits: 0,
    ratio: ratioToBound(got, wanted, error[i]!),
    allowed: error[i]!,
  }));
}

/** How far one tensor may be from another as a whole. */
export interface RelativeContract {
  readonly measure: "largest" | "norm";
  readonly limit: number;
}

/** |actual - expected| <= limit |expected|, both in the largest element or in the Euclidean norm. */
export function compareRelative(
  output: string,
  actual: TensorData,
  expected: TensorData,
  { measure, limit }: RelativeContract,
): Comparison {
  requireType(output, actual, expected);
  let [difference, scale, worst, worstAt] = [0, 0, -1, 0];
  for (let i = 0; i < expected.data.length; i++) {
    const wanted = expected.data[i]!;
    const error = Math.abs(actual.data[i]! - wanted);
    // NaN is worse than anything, once
    if (!(error <= worst) && !Number.isNaN(worst)) [worst, worstAt] = [error, i];
    difference = measure === "norm" ? difference + error ** 2 : Math.max(difference, error);
    scale = measure === "norm" ? scale + wanted ** 2 : Math.max(scale, Math.abs(wanted));
  }
  const [error, size] = measure === "norm" ? [Math.sqrt(difference), Math.sqrt(scale)] : [difference, scale];
  const ratio = error === 0 ? 0 : Number.isNaN(error) ? Number.POSITIVE_INFINITY : error / (limit * size);
  const first = ratio <= 1 ? undefined : differenceAt(output, worstAt, actual, expected, limit * size);
  return { elements: expected.data.length, differingBits: 0, worstUlp: 0, worstRatio: ratio, first };
}

function differenceAt(
  output: string,
  i: number,
  actual: TensorData,
  expected: TensorData,
  allowed: number,
): Difference {
  const [got, wanted] = [actual.data[i]!, expected.data[i]!];
  return {
    output,
    index: indexOf(i, expected.type.shape),
    actual: got,
    expected: wanted,
    actualBits: hexBits(got),
    expectedBits: hexBits(wanted),
    allowed,
  };
}

function ratioToBound(got: number, wanted: number, allowed: number): number {
  if (Object.is(got, wanted) || got === wanted) return 0;
  // Float32 has no numbers beyond the largest finite one: from there on, rounding gives infinity.
  const overflows = (x: number) => Math.abs(Math.fround(x)) === Number.POSITIVE_INFINITY;
  if (overflows(got) && Math.sign(got) === Math.sign(wanted)) {
    if (overflows(Math.abs(wanted) + allowed)) return 0;
  }
  if (Number.isNaN(got) || Number.isNaN(wanted)) return allowed === Number.POSITIVE_INFINITY ? 0 : Infinity;
  if (overflows(wanted) && Math.abs(got) >= LARGEST_FINITE - allowed && Math.sign(got) === Math.sign(wanted)) return 0;
  if (allowed === Number.POSITIVE_INFINITY) return 0;
  return Math.abs(got - wanted) / allowed;
}

interface Verdict {
  readonly bits: number;
  readonly ratio: number;
  readonly allowed: number;
}

function compareElements(
  output: string,
  actual: TensorData,
  expected: TensorData,
  judge: (got: number, wanted: number, i: number) => Verdict,
): Comparison {
  let differingBits = 0;
  let worstUlp = 0;
  let worstRatio = 0;
  let first: Difference | undefined;
  for (let i = 0; i < expected.data.length; i++) {
    const got = actual.data[i]!;
    const wanted = expected.data[i]!;
    const { bits, ratio, allowed } = judge(got, wanted, i);
    differingBits += bits;
    worstRatio = Math.max(worstRatio, ratio);
    if (Number.isFinite(got) && Number.isFinite(wanted)) {
      worstUlp = Math.max(worstUlp, Math.abs(got - wanted) / ulpOf(wanted));
    }
    if (!(ratio <= 1) && first === undefined) {
      first = differenceAt(output, i, actual, expected, allowed);
    }
  }
  return { elements: expected.data.length, differingBits, worstUlp, worstRatio, first };
}

function indexOf(element: number, shape: readonly number[]): number[] {
  let rest = element;
  return shape
    .toReversed()
    .map((extent) => {
      const position = rest % extent;
      rest = Math.floor(rest / extent);
      return position;
    })
    .reverse();
}

/** What a backend returned is not even of the right type. */
export class WrongTypeError extends Error {
  override readonly name = "WrongTypeError";
}

function requireType(output: string, actual: TensorData | undefined, expected: TensorData): void {
  if (actual === undefined) throw new WrongTypeError(`output "${output}" ${formatType(expected.type)} is missing`);
  if (!sameType(actual.type, expected.type)) {
    throw new WrongTypeError(`output "${output}" must be ${formatType(expected.type)}; got ${formatType(actual.type)}`);
  }
  if (actual.data.length !== expected.data.length) {
    throw new WrongTypeError(
      `output "${output}" ${formatType(expected.type)} must hold ${expected.data.length} elements; got ${actual.data.length}`,
    );
  }
}

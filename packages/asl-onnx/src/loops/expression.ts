import type { AnyNode, DType, Node } from "asl-core";
import { instructionOf, isKernelOp, SIMD } from "../wasm/instructions.js";
import { get, simd } from "./emit.js";

export interface Operands {
  /** Local of each argument. */
  readonly locals: readonly number[];
  /** The number that an argument is known to be, in all its elements. */
  readonly numbers: readonly (number | undefined)[];
  /** Type of the first argument. */
  readonly dtype: DType;
  /** Whether the first argument holds whole numbers, and the result is an index: one out of range stays out of range. */
  readonly isIndex: boolean;
  /** The local of a number. */
  number(value: number, dtype: DType): number;
}

/** Instructions that leave the result of an elementwise op on the stack. */
export function expression(node: AnyNode, operands: Operands): number[] {
  if (node.op === "cast") return cast(node, operands);
  if (!isKernelOp(node.op)) throw new Error(`a loop cannot compute ${node.op}`);
  const special = cheaper(node.op, operands);
  if (special !== undefined) return special;
  const { opcode, order } = instructionOf(node.op);
  return [...order.flatMap((argument) => get(operands.locals[argument]!)), ...simd(opcode)];
}

/** The same bits with fewer instructions of the processor, where one operand is a known number. */
function cheaper(op: AnyNode["op"], { locals, numbers }: Operands): number[] | undefined {
  if (op === "select") {
    const [mask, a, b] = locals as [number, number, number];
    // bits of +0, and of false, are all 0
    if (Object.is(numbers[1], 0)) return [...get(b), ...get(mask), ...simd(SIMD.andNot)];
    if (Object.is(numbers[2], 0)) return [...get(a), ...get(mask), ...simd(SIMD.and)];
  }
  if (op !== "min" && op !== "max") return undefined;
  const place = numbers.findIndex((number) => number !== undefined && !Number.isNaN(number));
  if (place === -1) return undefined;
  const known = get(locals[place]!);
  // pmin(x, c) = c < x ? c : x, which keeps NaN; only zeros of both signs could be taken for each other
  const code = [...get(locals[1 - place]!), ...known, ...simd(op === "min" ? SIMD.pseudoMin : SIMD.pseudoMax)];
  if (numbers[place] !== 0) return code;
  // max(-0, 0) = 0 = -0 + 0
  return op === "max" && Object.is(numbers[place], 0) ? [...code, ...known, ...simd(SIMD.add)] : undefined;
}

/** From here on float32 holds whole numbers only, each of which adds 1 to its bits. */
const WHOLE = 2 ** 23;
const WHOLE_BITS = 0x4b000000;

function cast({ attrs: { to } }: Node<"cast">, { locals, dtype: from, isIndex, number }: Operands): number[] {
  const x = get(locals[0]!);
  if (isIndex) {
    // half the instructions of the processor that truncation takes, which has to saturate; NaN is 0 there, too
    const isNumber = [...x, ...x, ...simd(SIMD.equal)];
    const shifted = [...x, ...isNumber, ...simd(SIMD.and), ...get(number(WHOLE, from)), ...simd(SIMD.add)];
    return [...shifted, ...get(number(WHOLE_BITS, to)), ...simd(SIMD.subI32)];
  }
  if (from === "bool") return [...x, ...get(number(1, to)), ...simd(SIMD.and)];
  if (to === "bool") {
    return [...x, ...get(number(0, from)), ...simd(from === "f32" ? SIMD.notEqual : SIMD.notEqualI32)];
  }
  return [...x, ...simd(to === "i32" ? SIMD.truncate : SIMD.convertI32)];
}

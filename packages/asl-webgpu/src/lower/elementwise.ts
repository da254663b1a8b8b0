import type { DType, OpName } from "asl-core";
import type { FunctionName } from "../wgsl/functions.js";
import type { Arithmetic, ElementwiseLowering } from "./lowering.js";

interface Cost {
  readonly rounds: boolean;
  readonly flops: number;
}

const FREE: Cost = { rounds: false, flops: 0 };

/** A function of `wgsl/functions.ts` on all arguments. */
export const calls = <K extends OpName>(
  name: FunctionName,
  { rounds, flops }: Cost = { rounds: true, flops: 1 },
): ElementwiseLowering<K> => ({
  kind: "elementwise",
  rounds,
  flops,
  expression: (args, { call }) => call(name, ...args),
});

/** An operator of WGSL where the device rounds it as IEEE 754 says, else a function on bit patterns. */
export const rounded = <K extends OpName>(
  part: keyof Arithmetic,
  native: (args: readonly string[]) => string,
  soft: FunctionName,
): ElementwiseLowering<K> => ({
  kind: "elementwise",
  rounds: true,
  flops: 1,
  expression: (args, { arithmetic, call }) => (arithmetic[part] === "native" ? native(args) : call(soft, ...args)),
});

export const add = rounded<"add">("sum", ([a, b]) => `${a} + ${b}`, "soft_add");
export const sub = rounded<"sub">("sum", ([a, b]) => `${a} - ${b}`, "soft_sub");
export const mul = rounded<"mul">("sum", ([a, b]) => `${a} * ${b}`, "soft_mul");
export const div = rounded<"div">("quotient", ([a, b]) => `${a} / ${b}`, "soft_div");
export const sqrt = rounded<"sqrt">("root", ([x]) => `sqrt(${x})`, "soft_sqrt");

/** condition ? a : b; WGSL's select takes the choices the other way round. */
export const select: ElementwiseLowering<"select"> = {
  kind: "elementwise",
  ...FREE,
  expression: ([condition, a, b]) => `select(${b}, ${a}, ${condition})`,
};

type Conversion = (x: string, call: (name: FunctionName, x: string) => string) => string;
const same: Conversion = (x) => x;

const CONVERSIONS: Readonly<Record<DType, Readonly<Record<DType, Conversion>>>> = {
  f32: { f32: same, i32: (x, call) => call("i32_from_f32", x), bool: (x, call) => call("bool_from_f32", x) },
  i32: { f32: (x, call) => call("f32_from_i32", x), i32: same, bool: (x) => `${x} != 0` },
  bool: { f32: (x) => `select(0.0, 1.0, ${x})`, i32: (x) => `select(0, 1, ${x})`, bool: same },
};

export const cast: ElementwiseLowering<"cast"> = {
  kind: "elementwise",
  ...FREE,
  expression: ([x], { node, inputs, call }) => CONVERSIONS[inputs[0]!.dtype][node.attrs.to](x!, call),
};

import { ShapeError } from "../errors/errors.js";
import { type DType, formatType, sameShape, type TensorType } from "../types/tensor.js";
import type { Accuracy, NoAttrs, OpDefinition, Traits } from "./contract.js";

const EXACT: Accuracy<object> = { kind: "exact" };
/** Correctly rounded by IEEE 754 on every backend that the probes accept. */
const ROUNDED: Accuracy<object> = { kind: "ulp", max: 0.5 };
const ulp = (max: number): Accuracy<object> => ({ kind: "ulp", max });

function requireType(op: string, argument: string, actual: TensorType, dtype: DType, scope: string): void {
  if (actual.dtype !== dtype) {
    throw new ShapeError(op, `${argument} must be ${dtype}; got ${formatType(actual)}`, scope);
  }
}

function requireSameShape(op: string, names: readonly string[], inputs: readonly TensorType[], scope: string): void {
  const [first, ...rest] = inputs as [TensorType, ...TensorType[]];
  rest.forEach((type, i) => {
    if (!sameShape(first.shape, type.shape)) {
      throw new ShapeError(
        op,
        `${names[0]} ${formatType(first)} and ${names[i + 1]} ${formatType(type)} must have one shape; broadcast first`,
        scope,
      );
    }
  });
}

function unary(op: string, accuracy: Accuracy<object>, traits: Traits = {}): OpDefinition<NoAttrs> {
  return {
    arguments: ["x"],
    infer([x], _attrs, scope) {
      requireType(op, "x", x!, "f32", scope);
      return x!;
    },
    accuracy,
    traits: { elementwise: true, ...traits },
  };
}

function binary(op: string, accuracy: Accuracy<object>, traits: Traits = {}): OpDefinition<NoAttrs> {
  return {
    arguments: ["a", "b"],
    infer([a, b], _attrs, scope) {
      requireType(op, "a", a!, "f32", scope);
      requireType(op, "b", b!, "f32", scope);
      requireSameShape(op, ["a", "b"], [a!, b!], scope);
      return a!;
    },
    accuracy,
    traits: { elementwise: true, ...traits },
  };
}

function comparison(op: string, traits: Traits = {}): OpDefinition<NoAttrs> {
  const arithmetic = binary(op, EXACT, { ...traits, zeroGradient: true });
  return {
    ...arithmetic,
    infer: (inputs, attrs, scope) => ({ dtype: "bool", shape: arithmetic.infer(inputs, attrs, scope).shape }),
  };
}

export const neg = unary("neg", EXACT);
/** |x|. Its derivative at 0 is +1 (InPlace-ABN's |weight| starts at 0 and must learn). */
export const abs = unary("abs", EXACT);
export const floor = unary("floor", EXACT, { zeroGradient: true });
export const exp = unary("exp", ulp(4));
export const log = unary("log", ulp(4));
export const sqrt = unary("sqrt", ROUNDED);
/** 1 / (1 + e^-x). */
export const sigmoid = unary("sigmoid", ulp(6));

export const add = binary("add", ROUNDED, { commutative: true });
export const sub = binary("sub", ROUNDED);
export const mul = binary("mul", ROUNDED, { commutative: true });
export const div = binary("div", ROUNDED);
/** a^b for a >= 0; pow(0, 0) = 1. */
export const pow = binary("pow", ulp(16));
/** max(a, b); where a = b the gradient goes to b. */
export const max = binary("max", EXACT);
/** min(a, b); where a = b the gradient goes to b. */
export const min = binary("min", EXACT);

/** a < b. */
export const less = comparison("less");
/** a = b. */
export const equal = comparison("equal", { commutative: true });

/** condition ? a : b. */
export const select: OpDefinition<NoAttrs> = {
  arguments: ["condition", "a", "b"],
  infer([condition, a, b], _attrs, scope) {
    requireType("select", "condition", condition!, "bool", scope);
    requireSameShape("select", ["condition", "a", "b"], [condition!, a!, b!], scope);
    if (a!.dtype !== b!.dtype) {
      throw new ShapeError("select", `a ${formatType(a!)} and b ${formatType(b!)} must have one dtype`, scope);
    }
    return a!;
  },
  accuracy: EXACT,
  traits: { elementwise: true },
};

export interface CastAttrs {
  readonly to: DType;
}

/** Changes the dtype: f32 to i32 truncates toward zero; to bool is x != 0; from bool gives 0 or 1. */
export const cast: OpDefinition<CastAttrs> = {
  arguments: ["x"],
  infer: ([x], { to }) => ({ dtype: to, shape: x!.shape }),
  accuracy: EXACT,
  traits: { elementwise: true },
};

/** The identity whose gradient is zero. */
export const stopGradient: OpDefinition<NoAttrs> = {
  arguments: ["x"],
  infer: ([x]) => x!,
  accuracy: EXACT,
  traits: { elementwise: true, movement: true, view: true, zeroGradient: true },
};

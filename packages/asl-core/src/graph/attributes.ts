import { GraphError } from "../errors/errors.js";
import type { AttrsOf, OpName } from "../ops/table.js";
import type { TensorData } from "../types/tensor.js";
import { excerpt } from "./excerpt.js";
import {
  type JsonNumber,
  numberFromJson,
  numberToJson,
  type TensorJson,
  tensorFault,
  tensorFromJson,
  tensorToJson,
} from "./tensor-json.js";

/** What an attribute is in JSON. */
export type AttributeJson = JsonNumber | string | readonly AttributeJson[] | TensorJson;

/** One attribute of an op: what it may hold and how it is written. */
interface AttributeFormat {
  readonly expected: string;
  /** Undefined when the value is well-formed, otherwise what is wrong with it. */
  fault(value: unknown): string | undefined;
  toJson(value: unknown): AttributeJson;
  /** May give anything for a malformed value: `fault` is asked afterwards. */
  fromJson(json: unknown): unknown;
}

/** Values that are their own JSON: whole numbers, lists of them, and names. */
function plain(expected: string, accepts: (value: unknown) => boolean): AttributeFormat {
  return {
    expected,
    fault: (value) => (accepts(value) ? undefined : `must be ${expected}; got ${excerpt(value)}`),
    toJson: (value) => value as AttributeJson,
    fromJson: (json) => json,
  };
}

const isWhole = (least: number) => (value: unknown) => Number.isSafeInteger(value) && (value as number) >= least;
const isList = (accepts: (value: unknown) => boolean, length?: number) => (value: unknown) =>
  Array.isArray(value) && (length === undefined || value.length === length) && value.every(accepts);
const oneOf = (...names: string[]) =>
  plain(names.map((name) => `"${name}"`).join(" or "), (value) => names.includes(value as string));

const whole = plain("an integer >= 0", isWhole(0));
const positive = plain("an integer >= 1", isWhole(1));
const wholes = plain("a list of integers >= 0", isList(isWhole(0)));
const positivePair = plain("two integers >= 1", isList(isWhole(1), 2));
const borders = plain("[[top, bottom], [left, right]] of integers >= 0", isList(isList(isWhole(0), 2), 2));

const number: AttributeFormat = {
  expected: "a number",
  fault: (value) => (typeof value === "number" ? undefined : `must be a number; got ${excerpt(value)}`),
  toJson: (value) => numberToJson(value as number),
  fromJson: numberFromJson,
};

const tensor: AttributeFormat = {
  expected: "a tensor",
  fault: tensorFault,
  toJson: (value) => tensorToJson(value as TensorData),
  fromJson: tensorFromJson,
};

const convolution = { strides: positivePair, padding: borders, dilations: positivePair, groups: positive };
const reduction = { axes: wholes };

/** Every attribute of every op; one left out does not compile. */
const FORMATS: { readonly [K in OpName]: { readonly [A in keyof AttrsOf<K>]-?: AttributeFormat } } = {
  constant: { value: tensor },
  neg: {},
  abs: {},
  floor: {},
  exp: {},
  log: {},
  sqrt: {},
  sigmoid: {},
  add: {},
  sub: {},
  mul: {},
  div: {},
  pow: {},
  max: {},
  min: {},
  less: {},
  equal: {},
  select: {},
  cast: { to: oneOf("f32", "i32", "bool") },
  stopGradient: {},
  reduceSum: reduction,
  reduceMax: reduction,
  reshape: { shape: wholes },
  transpose: { permutation: wholes },
  broadcast: { shape: wholes, axes: wholes },
  pad: { low: wholes, high: wholes, mode: oneOf("constant", "reflect", "edge"), value: number },
  slice: { starts: wholes, ends: wholes },
  concat: { axis: whole },
  gather: { axis: whole },
  matmul: {},
  conv2d: convolution,
  conv2dInputGrad: { ...convolution, inputShape: wholes },
  conv2dKernelGrad: { ...convolution, kernelShape: wholes },
};

const formatsOf = (op: OpName) => Object.entries(FORMATS[op] as Record<string, AttributeFormat>);

/** Throws GraphError unless `attrs` has exactly the attributes of the op, each well-formed. `place` opens the message. */
export function checkAttributes(op: OpName, attrs: unknown, place: string): void {
  const record = requireRecord(op, attrs, place);
  for (const [name, format] of formatsOf(op)) {
    const fault = format.fault(record[name]);
    if (fault !== undefined) throw new GraphError(`${place}: attribute ${name} of ${op}: ${fault}`);
  }
}

/** The attributes in the order of the table above, whatever order the object has. */
export function attributesToJson(op: OpName, attrs: object): Readonly<Record<string, AttributeJson>> {
  const record = attrs as Readonly<Record<string, unknown>>;
  return Object.fromEntries(formatsOf(op).map(([name, format]) => [name, format.toJson(record[name])]));
}

/** Throws GraphError for attributes that `attributesToJson` does not write. */
export function attributesFromJson<K extends OpName>(op: K, json: unknown, place: string): AttrsOf<K> {
  const record = requireRecord(op, json, place);
  const attrs = Object.fromEntries(
    formatsOf(op).map(([name, format]) => {
      try {
        return [name, format.fromJson(record[name])];
      } catch (error) {
        throw new GraphError(`${place}: attribute ${name} of ${op}: ${(error as Error).message}`);
      }
    }),
  );
  checkAttributes(op, attrs, place);
  // checkAttributes has just shown it; the checker cannot follow a table of checks.
  return attrs as unknown as AttrsOf<K>;
}

function requireRecord(op: OpName, attrs: unknown, place: string): Readonly<Record<string, unknown>> {
  if (typeof attrs !== "object" || attrs === null || Array.isArray(attrs)) {
    throw new GraphError(`${place}: attributes of ${op} must be an object; got ${excerpt(attrs)}`);
  }
  const unknown = Object.keys(attrs).find((name) => !Object.hasOwn(FORMATS[op], name));
  if (unknown !== undefined) {
    const known = Object.keys(FORMATS[op]).join(", ") || "none";
    throw new GraphError(`${place}: ${op} has no attribute "${unknown}"; it has ${known}`);
  }
  return attrs as Readonly<Record<string, unknown>>;
}

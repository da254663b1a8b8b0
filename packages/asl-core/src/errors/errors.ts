import type { Tensors } from "../types/tensor.js";

/** The root of every error that this family of packages throws on purpose. `code` is stable; messages are for people. */
export class AslError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** An op got arguments whose shapes or attributes do not fit. Message: `op: what was expected; what came (scope)`. */
export class ShapeError extends AslError {
  readonly op: string;
  readonly scope: string;
  constructor(op: string, detail: string, scope = "") {
    super("ERR_ASL_SHAPE", `${op}: ${detail}${scope === "" ? "" : ` (${scope})`}`);
    this.op = op;
    this.scope = scope;
  }
}

/** A graph, program or its JSON breaks a rule of the format. */
export class GraphError extends AslError {
  constructor(message: string) {
    super("ERR_ASL_GRAPH", message);
  }
}

/** A feed, state or option does not fit what was declared: names what, expected, found. */
export class InputError extends AslError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_ASL_INPUT", message, options);
  }
}

/** NaN or an infinity where only finite numbers make sense; names the first bad element. */
export class NonFiniteError extends AslError {
  readonly tensor: string;
  readonly index: readonly number[];
  readonly value: number;
  constructor(tensor: string, index: readonly number[], value: number, shape: readonly number[]) {
    const place = index.length === 2 ? `row ${index[0]}, class ${index[1]}` : `index [${index.join(",")}]`;
    super(
      "ERR_ASL_NON_FINITE",
      `${tensor}: ${value} at ${place} of [${shape.join(",")}]; every value must be finite. ` +
        "A learning rate that is too high or a damaged checkpoint are the usual causes.",
    );
    this.tensor = tensor;
    this.index = index;
    this.value = value;
  }
}

/** Throws NonFiniteError for the first NaN or infinity in any of the named tensors. */
export function assertFinite(tensors: Tensors, names: readonly string[]): void {
  for (const name of names) {
    const tensor = tensors[name];
    if (tensor === undefined) throw new InputError(`${name}: no such tensor to check for finite values`);
    const { data, type } = tensor;
    for (let i = 0; i < data.length; i++) {
      const value = data[i]!;
      if (Number.isFinite(value)) continue;
      const index: number[] = [];
      for (let axis = type.shape.length - 1, rest = i; axis >= 0; axis--) {
        const extent = type.shape[axis]!;
        index.unshift(rest % extent);
        rest = Math.floor(rest / extent);
      }
      throw new NonFiniteError(name, index, value, type.shape);
    }
  }
}

import {
  type AnyNode,
  f32,
  formatType,
  type Graph,
  GraphError,
  type Shape,
  scalar,
  sizeOf,
  type TensorData,
  type ValueId,
} from "asl-core";
import { alignRank, broadcastExtents, type Extent, isFixed, type Operand, sameExtents } from "./extent.js";
import type { EmittedOperator, OnnxOperator } from "./operators.js";
import { NO_QUIRKS, type Quirks } from "./quirks.js";
import type { Attributes, OnnxWriter } from "./writer.js";

/** Extents of every value; strings where only a run knows them. */
export type Extents = (value: ValueId) => readonly Extent[];

/** What the lowering of one node may use: its operands, and a writer that knows the node's scope. */
export class Lowering {
  readonly #operands = new Map<ValueId, Operand>();
  readonly #expanded = new Map<ValueId, string>();
  readonly #shared = new Map<string, string>();
  readonly #reshapedFrom = new Map<string, Operand>();
  #scope = "";
  #uniqueNumbers = 0;

  constructor(
    readonly graph: Graph,
    readonly writer: OnnxWriter,
    readonly extents: Extents,
    readonly quirks: Quirks = NO_QUIRKS,
  ) {}

  /** Runs `body` with nodes named after the node's scope and keeps the result as the node's value. */
  define(node: AnyNode, body: () => Operand): void {
    this.#scope = node.scope;
    this.set(node.output, body());
  }

  set(value: ValueId, operand: Operand): void {
    this.#operands.set(value, operand);
  }

  /** The tensor that stands for a value; axes along which the value repeats may be 1 or missing. */
  operand(value: ValueId): Operand {
    const operand = this.#operands.get(value);
    if (operand === undefined) {
      throw new GraphError(`%${value} ${formatType(this.graph.types[value]!)} is used before its node`);
    }
    return operand;
  }

  isFull(value: ValueId): boolean {
    return sameExtents(this.operand(value).extents, this.extents(value));
  }

  /** Name of a tensor with the whole shape of the value. */
  full(value: ValueId): string {
    const operand = this.operand(value);
    const extents = this.extents(value);
    if (sameExtents(operand.extents, extents)) return operand.name;
    const known = this.#expanded.get(value);
    if (known !== undefined) return known;
    const unitOnly = alignRank(operand.extents, extents.length);
    const name = sameExtents(unitOnly, extents)
      ? this.reshape(operand, extents).name
      : this.emit("Expand", [operand.name, this.shapeTensor(extents)]);
    this.#expanded.set(value, name);
    return name;
  }

  emit(opType: EmittedOperator, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.writer.emit(opType, inputs, attributes, this.#scope);
  }

  emitOutputs(opType: EmittedOperator, inputs: readonly string[], attributes: Attributes, count: number): string[] {
    return this.writer.emitOutputs(opType, inputs, attributes, this.#scope, count);
  }

  /** An ONNX operator that broadcasts as numpy does. */
  elementwise(opType: OnnxOperator, operands: readonly Operand[], attributes: Attributes = {}): Operand {
    const names = operands.map((operand) => operand.name);
    return {
      name: this.emit(opType, names, attributes),
      extents: broadcastExtents(operands.map((operand) => operand.extents)),
    };
  }

  /** An initializer, called `scope/part`. */
  constant(value: TensorData, part = "constant"): Operand {
    return { name: this.writer.constant(value, this.#scope, part), extents: value.type.shape };
  }

  /** A constant tensor of one number; equal ones are shared. */
  filled(value: number, shape: Shape): string {
    const key = `${value} everywhere in ${shape.join(",")}`;
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const { name } = this.constant(f32(shape, new Float32Array(sizeOf(shape)).fill(value)), "filled");
    this.#shared.set(key, name);
    return name;
  }

  /** A constant tensor that the graph has once. */
  table(part: string, value: TensorData): string {
    const key = `table ${part}`;
    const name = this.#shared.get(key) ?? this.writer.constant(value, "", part);
    this.#shared.set(key, name);
    return name;
  }

  scalar(value: number): Operand {
    return this.constant(scalar(value));
  }

  /** A number that no other call gets, so that constants made of it stay apart. */
  uniqueNumber(): number {
    return ++this.#uniqueNumbers;
  }

  int64(values: readonly number[]): string {
    return this.writer.int64(values);
  }

  /** The same elements under other extents; nothing is emitted where they are equal already. */
  reshape(operand: Operand, extents: readonly Extent[]): Operand {
    if (sameExtents(operand.extents, extents)) return operand;
    const target = reshapeTarget(operand.extents, extents, this.#scope);
    const key = `${operand.name} ${target.join(",")}`;
    let name = this.#shared.get(key);
    if (name === undefined) {
      // Reshape reads 0 as "keep"; an empty axis has to say that it means 0.
      const attributes: Attributes = target.includes(0) ? { allowzero: { int: 1 } } : {};
      name = this.emit("Reshape", [operand.name, this.int64(target)], attributes);
      this.#shared.set(key, name);
      this.#reshapedFrom.set(name, operand);
    }
    return { name, extents };
  }

  /** The tensor with the same elements from which an operand was reshaped, if at all. */
  beforeReshapes(operand: Operand): Operand {
    const source = this.#reshapedFrom.get(operand.name);
    return source === undefined ? operand : this.beforeReshapes(source);
  }

  /** Repeats an operand to fixed extents of the same rank. */
  expand(operand: Operand, extents: Shape): Operand {
    if (sameExtents(operand.extents, extents)) return operand;
    const key = `${operand.name} expanded ${extents.join(",")}`;
    const name = this.#shared.get(key) ?? this.emit("Expand", [operand.name, this.int64(extents)]);
    this.#shared.set(key, name);
    return { name, extents };
  }

  /** Output axis i is input axis permutation[i]; a reshape where only axes of extent 1 move. Equal ones are shared. */
  transpose(operand: Operand, permutation: readonly number[]): Operand {
    const extents = permutation.map((axis) => operand.extents[axis]!);
    const moved = permutation.filter((axis) => operand.extents[axis] !== 1);
    if (moved.every((axis, i) => i === 0 || moved[i - 1]! < axis)) return this.reshape(operand, extents);
    const key = `${operand.name} transposed ${permutation.join(",")}`;
    let name = this.#shared.get(key);
    if (name === undefined) {
      name = this.emit("Transpose", [operand.name], { perm: { ints: permutation } });
      this.#shared.set(key, name);
    }
    return { name, extents };
  }

  /** The operand with leading extents of 1 written out. */
  aligned(value: ValueId): Operand {
    const operand = this.operand(value);
    return this.reshape(operand, alignRank(operand.extents, this.extents(value).length));
  }

  /** A full tensor as an operand. */
  fullOperand(value: ValueId): Operand {
    return { name: this.full(value), extents: this.extents(value) };
  }

  /** The value's shape, all extents known. Throws GraphError for a symbolic one. */
  shape(value: ValueId): Shape {
    const extents = this.extents(value);
    if (!isFixed(extents)) throw new GraphError(`${this.#scope}: needs fixed extents; got [${extents.join(",")}]`);
    return extents;
  }

  /** int64 tensor with a shape, read from `shapeSource` where an extent is symbolic. */
  shapeTensor(extents: readonly Extent[]): string {
    if (isFixed(extents)) return this.int64(extents);
    const parts = extents.map((extent) =>
      typeof extent === "number" ? this.int64([extent]) : this.#runtimeExtent(extent),
    );
    return this.emit("Concat", parts, { axis: { int: 0 } });
  }

  #runtimeExtent(symbol: string): string {
    for (const [name, id] of Object.entries(this.graph.inputs)) {
      const axis = this.extents(id).indexOf(symbol);
      if (axis < 0) continue;
      return this.emit("Shape", [name], { start: { int: axis }, end: { int: axis + 1 } });
    }
    throw new GraphError(`${this.#scope}: the extent "${symbol}" is not an extent of any input`);
  }
}

/** Shape argument of Reshape: -1 for the one symbolic extent. */
function reshapeTarget(from: readonly Extent[], to: readonly Extent[], scope: string): number[] {
  const symbolic = to.filter((extent) => typeof extent === "string");
  if (symbolic.length > 1) {
    throw new GraphError(
      `${scope}: cannot reshape [${from.join(",")}] to [${to.join(",")}]: at most one symbolic extent`,
    );
  }
  const fixed = to.filter((extent) => typeof extent === "number");
  if (symbolic.length === 1 && sizeOf(fixed) === 0) {
    throw new GraphError(`${scope}: cannot reshape to [${to.join(",")}]: an empty axis beside a symbolic one`);
  }
  return to.map((extent) => (typeof extent === "number" ? extent : -1));
}

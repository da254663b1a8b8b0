import { type AnyNode, type DType, type Node, sizeOf, type ValueId } from "asl-core";
import { instructionOf, isKernelOp, SIMD } from "../wasm/instructions.js";
import { OPCODE, signed, unsigned, type WasmFunction } from "../wasm/module.js";
import { elementBits, uniformElement } from "./elements.js";
import { lookUp, simd } from "./lookup.js";
import { ELEMENT_BYTES, type LoopMemory } from "./memory.js";
import { isReduction, type LoopPlan, type Stage } from "./plan.js";

const VECTOR_BYTES = 16;

/** One loop as a function without arguments: all addresses and sizes are part of the code. */
export const loopCode = (plan: LoopPlan, stage: Stage, memory: LoopMemory): WasmFunction =>
  new LoopWriter(plan, stage, memory).write();

type Reduction = Extract<AnyNode, { op: "reduceSum" | "reduceMax" }>;

/** Locals of a value: one for each vector of a turn; the same in all where they are equal. */
type Locals = readonly number[];

/** Sums and maxima are kept for each lane until the row ends. */
interface Accumulator {
  readonly node: Reduction;
  readonly locals: Locals;
  /** Over each row of the loop, or over all of it. */
  readonly isOfRow: boolean;
}

const LANES = [0, 1, 2, 3] as const;

/**
 * Vectors of one turn, of which each waits for its own results alone: one value hangs on the one before so often that a
 * processor finds nothing else to do with a single vector.
 */
const UNROLLED = 2;
const COPIES = Array.from({ length: UNROLLED }, (_, i) => i);
const TURN_BYTES = UNROLLED * VECTOR_BYTES;

class LoopWriter {
  /** Locals 0 and 1: byte offset of the vector, and where the row ends. */
  static readonly OFFSET = 0;
  static readonly END = 1;
  #nextVector = 2;
  readonly #before: number[] = [];
  readonly #loop: number[] = [];
  readonly #locals = new Map<ValueId, Locals>();
  /** Locals that hold the same in every turn. */
  readonly #uniform = new Set<number>();
  readonly #constants = new Map<string, number>();
  readonly #inStage: ReadonlyMap<ValueId, AnyNode>;
  readonly #accumulators: Accumulator[] = [];
  /** All bits set in lanes before the end of the row; undefined where rows are whole vectors. */
  #validLanes: Locals | undefined;
  #outOfRange: number | undefined;

  constructor(
    private readonly plan: LoopPlan,
    private readonly stage: Stage,
    private readonly memory: LoopMemory,
  ) {
    this.#inStage = new Map(stage.nodes.map((node) => [node.output, node]));
  }

  write(): WasmFunction {
    const { stage } = this;
    this.#prepareMask();
    // From what leaves the loop back to what it is made of: a value is computed close to where it is needed.
    for (const node of stage.nodes) {
      if (isReduction(node)) this.#accumulate(node);
      else if (this.plan.stored.has(node.output)) this.#store(node.output, this.#local(node.output));
    }
    const { size, columns } = stage;
    const rowBytes = columns * ELEMENT_BYTES;
    const resets = (ofRow: boolean) =>
      this.#accumulators.filter(({ isOfRow }) => isOfRow === ofRow).flatMap((each) => this.#reset(each));
    const ends = (ofRow: boolean) =>
      this.#accumulators.filter(({ isOfRow }) => isOfRow === ofRow).flatMap((each) => this.#finish(each));
    const { OFFSET, END } = LoopWriter;
    const nextVector = [...get(OFFSET), ...integer(TURN_BYTES), OPCODE.i32Add, ...tee(OFFSET)];
    const row = [
      ...resets(true),
      ...[OPCODE.loop, OPCODE.empty, ...this.#loop, ...nextVector, ...get(END)],
      ...[OPCODE.i32LessUnsigned, OPCODE.branchIf, 0, OPCODE.end],
      ...ends(true),
    ];
    const nextRow = [...get(END), ...set(OFFSET), ...get(END), ...integer(rowBytes), OPCODE.i32Add, ...set(END)];
    const rows = [
      ...[OPCODE.loop, OPCODE.empty, ...row, ...nextRow, ...get(OFFSET), ...integer(size * ELEMENT_BYTES)],
      ...[OPCODE.i32LessUnsigned, OPCODE.branchIf, 0, OPCODE.end],
    ];
    const body = [
      ...this.#before,
      ...resets(false),
      ...[...integer(rowBytes), ...set(END)],
      ...(columns === size ? row : rows),
      ...ends(false),
      ...this.#report(),
    ];
    const locals = [
      { count: 2, type: "i32" as const },
      { count: this.#nextVector - 2, type: "v128" as const },
    ];
    return { parameters: [], locals, body };
  }

  /** Rows that end within a vector: what is behind the end must not count. */
  #prepareMask(): void {
    const counts = this.stage.nodes.some((node) => isReduction(node) || node.op === "gather");
    if (!counts || this.stage.columns % (LANES.length * UNROLLED) === 0) return;
    const ends = this.#allocate();
    this.#validLanes = COPIES.map(() => this.#allocate());
    // The end is not known before the loop: it moves from row to row.
    this.#loop.push(...get(LoopWriter.END), ...simd(SIMD.splatI32), ...set(ends));
    for (const [copy, local] of this.#validLanes.entries()) {
      this.#loop.push(...this.#positions(copy), ...get(ends), ...simd(SIMD.lessI32), ...set(local));
    }
  }

  /** Byte offset of each lane. */
  #positions(copy: number): number[] {
    const lanes = new Uint8Array(Int32Array.from(LANES, (lane) => copy * VECTOR_BYTES + lane * ELEMENT_BYTES).buffer);
    return [...get(LoopWriter.OFFSET), ...simd(SIMD.splatI32), ...get(this.#constant(lanes)), ...simd(SIMD.addI32)];
  }

  /** The locals of a value, computed before if need be. */
  #local(value: ValueId): Locals {
    const source = this.plan.sourceOf(value);
    const known = this.#locals.get(source);
    if (known !== undefined) return known;
    const node = this.#inStage.get(source);
    const locals = node === undefined || isReduction(node) ? this.#read(source) : this.#compute(node);
    this.#locals.set(source, locals);
    return locals;
  }

  /** From memory, or a constant. */
  #read(source: ValueId): Locals {
    const producer = this.plan.producers[source];
    if (producer?.op === "constant") {
      const { value } = producer.attrs;
      const element = uniformElement(value);
      if (element !== undefined) return everyCopy(this.#number(element, value.type.dtype));
    }
    const address = this.memory.addresses.get(source)!;
    if (this.#size(source) === 1 && this.stage.size !== 1) {
      const local = this.#allocate();
      this.#before.push(...integer(0), ...simd(SIMD.loadSplat32), ...at(address), ...set(local));
      this.#uniform.add(local);
      return everyCopy(local);
    }
    return COPIES.map((copy) => {
      const local = this.#allocate();
      const place = at(address + copy * VECTOR_BYTES);
      this.#loop.push(...get(LoopWriter.OFFSET), ...simd(SIMD.load), ...place, ...set(local));
      return local;
    });
  }

  #compute(node: AnyNode): Locals {
    if (node.op === "gather") return this.#lookUp(node);
    if (node.op === "pad") return this.#pad(node);
    const operands = node.inputs.map((input) => this.#local(input));
    if (node.op === "cast" && this.plan.graph.types[node.inputs[0]!]!.dtype === node.attrs.to) return operands[0]!;
    const isUniform = operands.every(([first]) => this.#uniform.has(first!));
    const compute = (copy: number): number => {
      const code = this.#expression(
        node,
        operands.map((locals) => locals[copy]!),
      );
      const local = this.#allocate();
      (isUniform ? this.#before : this.#loop).push(...code, ...set(local));
      return local;
    };
    if (!isUniform) return COPIES.map(compute);
    const local = compute(0);
    this.#uniform.add(local);
    return everyCopy(local);
  }

  /** Instructions that leave the result on the stack. */
  #expression(node: AnyNode, operands: readonly number[]): number[] {
    if (node.op === "cast") return this.#cast(node, operands[0]!);
    if (!isKernelOp(node.op)) throw new Error(`a loop cannot compute ${node.op}`);
    const special = this.#cheaper(node, operands);
    if (special !== undefined) return special;
    const { opcode, order } = instructionOf(node.op);
    return [...order.flatMap((argument) => get(operands[argument]!)), ...simd(opcode)];
  }

  /** The same bits with fewer instructions of the processor, where one operand is a known number. */
  #cheaper({ op, inputs }: AnyNode, operands: readonly number[]): number[] | undefined {
    const numbers = inputs.map((input) => this.#knownNumber(input));
    if (op === "select") {
      const [mask, a, b] = operands as [number, number, number];
      // bits of +0, and of false, are all 0
      if (Object.is(numbers[1], 0)) return [...get(b), ...get(mask), ...simd(SIMD.andNot)];
      if (Object.is(numbers[2], 0)) return [...get(a), ...get(mask), ...simd(SIMD.and)];
    }
    if (op !== "min" && op !== "max") return undefined;
    const place = numbers.findIndex((number) => number !== undefined && !Number.isNaN(number));
    if (place === -1) return undefined;
    const x = operands[1 - place]!;
    // pmin(x, c) = c < x ? c : x, which keeps NaN; only zeros of both signs could be taken for each other
    const code = [...get(x), ...get(operands[place]!), ...simd(op === "min" ? SIMD.pseudoMin : SIMD.pseudoMax)];
    if (numbers[place] !== 0) return code;
    // max(-0, 0) = 0 = -0 + 0
    if (op === "max" && Object.is(numbers[place], 0)) {
      return [...code, ...get(operands[place]!), ...simd(SIMD.add)];
    }
    return undefined;
  }

  #knownNumber(value: ValueId): number | undefined {
    const producer = this.plan.producers[this.plan.sourceOf(value)];
    return producer?.op === "constant" ? uniformElement(producer.attrs.value) : undefined;
  }

  #cast({ inputs, attrs: { to } }: Node<"cast">, x: number): number[] {
    const from = this.plan.graph.types[inputs[0]!]!.dtype;
    const number = (value: number, dtype: DType) => get(this.#number(value, dtype));
    if (from === "bool") return [...get(x), ...number(1, to), ...simd(SIMD.and)];
    if (to === "bool") {
      return [...get(x), ...number(0, from), ...simd(from === "f32" ? SIMD.notEqual : SIMD.notEqualI32)];
    }
    return [...get(x), ...simd(to === "i32" ? SIMD.truncate : SIMD.convertI32)];
  }

  /** All tables that are read at the same indices, together. */
  #lookUp(node: Node<"gather">): Locals {
    const indices = this.plan.sourceOf(node.inputs[1]!);
    const locals = this.#local(indices);
    for (const rows of this.memory.tables.get(indices)!) {
      const last = this.#number(rows.entries - 1, "i32");
      this.#outOfRange ??= this.#allocate();
      const flag = this.#outOfRange;
      const copies = COPIES.map((copy) => {
        const index = locals[copy]!;
        const outside = [...get(index), ...get(last), ...simd(SIMD.greaterUnsigned)];
        const valid = this.#validLanes?.[copy];
        const counted = valid === undefined ? [] : [...get(valid), ...simd(SIMD.and)];
        this.#loop.push(...outside, ...counted, ...get(flag), ...simd(SIMD.or), ...set(flag));
        const columns = rows.tables.map(() => this.#allocate());
        this.#loop.push(...lookUp({ rows, index, last, columns, allocate: () => this.#allocate() }));
        return columns;
      });
      for (const gather of this.stage.nodes) {
        if (gather.op !== "gather" || this.plan.sourceOf(gather.inputs[1]!) !== indices) continue;
        const column = rows.tables.indexOf(gather.inputs[0]!);
        if (column === -1) continue;
        this.#locals.set(
          gather.output,
          copies.map((columns) => columns[column]!),
        );
      }
    }
    return this.#locals.get(node.output)!;
  }

  /** What lies behind the end of x is replaced. */
  #pad({ inputs, attrs: { value } }: Node<"pad">): Locals {
    const locals = this.#local(inputs[0]!);
    const size = this.#number(this.#size(inputs[0]!) * ELEMENT_BYTES, "i32");
    const padding = this.#number(value, "f32");
    return COPIES.map((copy) => {
      const local = this.#allocate();
      const isInside = [...this.#positions(copy), ...get(size), ...simd(SIMD.lessI32)];
      this.#loop.push(...get(locals[copy]!), ...get(padding), ...isInside, ...simd(SIMD.bitselect), ...set(local));
      return local;
    });
  }

  #store(value: ValueId, locals: Locals): void {
    const address = this.memory.addresses.get(value)!;
    for (const [copy, local] of locals.entries()) {
      const place = at(address + copy * VECTOR_BYTES);
      this.#loop.push(...get(LoopWriter.OFFSET), ...get(local), ...simd(SIMD.store), ...place);
    }
  }

  #accumulate(node: Reduction): void {
    const elements = this.#local(node.inputs[0]!);
    const locals = COPIES.map(() => this.#allocate());
    const isOfRow = this.#size(node.output) !== 1 && this.stage.columns !== this.stage.size;
    this.#accumulators.push({ node, locals, isOfRow });
    const neutral = get(this.#number(neutralOf(node), "f32"));
    for (const [copy, local] of locals.entries()) {
      const mask = this.#validLanes?.[copy];
      const x = get(elements[copy]!);
      const counted = mask === undefined ? x : [...x, ...neutral, ...get(mask), ...simd(SIMD.bitselect)];
      this.#loop.push(...get(local), ...counted, ...simd(SUMMING[node.op].vectors), ...set(local));
    }
  }

  #reset({ node, locals }: Accumulator): number[] {
    const neutral = [...simd(SIMD.constant), ...splat(elementBits(neutralOf(node), "f32"))];
    return locals.flatMap((local) => [...neutral, ...set(local)]);
  }

  /** All lanes as one number, at the row's place in the result. */
  #finish({ node, locals, isOfRow }: Accumulator): number[] {
    const { vectors, numbers } = SUMMING[node.op];
    const [first, ...others] = locals as [number, ...number[]];
    const combined = others.flatMap((local) => [...get(first), ...get(local), ...simd(vectors), ...set(first)]);
    const lane = (i: number) => [...get(first), ...simd(SIMD.extractLane), i];
    const total = [...lane(0), ...lane(1), numbers, ...lane(2), ...lane(3), numbers, numbers];
    const address = this.memory.addresses.get(node.output)!;
    if (!isOfRow) return [...combined, ...integer(0), ...total, OPCODE.f32Store, ...at(address)];
    const row = [...get(LoopWriter.END), ...integer(this.stage.columns * ELEMENT_BYTES), OPCODE.i32DivideUnsigned];
    // END is that of this row: the first row is number 1
    const place = [...row, ...integer(ELEMENT_BYTES), OPCODE.i32Multiply];
    return [...combined, ...place, ...total, OPCODE.f32Store, ...at(address - ELEMENT_BYTES)];
  }

  /** Remembers at address 0 that an index was out of range. */
  #report(): number[] {
    if (this.#outOfRange === undefined) return [];
    const flag = [...integer(0), ...simd(SIMD.load), ...at(0), ...get(this.#outOfRange), ...simd(SIMD.or)];
    return [...integer(0), ...flag, ...simd(SIMD.store), ...at(0)];
  }

  #number(value: number, dtype: DType): number {
    return this.#constant(splat(elementBits(value, dtype)));
  }

  /** A vector that is set before the loop. */
  #constant(bytes: ArrayLike<number>): number {
    const key = Array.from(bytes).join();
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const local = this.#allocate();
    this.#before.push(...simd(SIMD.constant), ...Array.from(bytes), ...set(local));
    this.#constants.set(key, local);
    this.#uniform.add(local);
    return local;
  }

  #allocate(): number {
    return this.#nextVector++;
  }

  #size(value: ValueId): number {
    return sizeOf(this.plan.graph.types[value]!.shape);
  }
}

const SUMMING = {
  reduceSum: { vectors: SIMD.add, numbers: OPCODE.f32Add },
  reduceMax: { vectors: SIMD.max, numbers: OPCODE.f32Max },
} as const;

const everyCopy = (local: number): Locals => COPIES.map(() => local);

const neutralOf = ({ op }: Reduction): number => (op === "reduceSum" ? 0 : Number.NEGATIVE_INFINITY);

const get = (local: number) => [OPCODE.localGet, ...unsigned(local)];
const set = (local: number) => [OPCODE.localSet, ...unsigned(local)];
const tee = (local: number) => [OPCODE.localTee, ...unsigned(local)];
const integer = (value: number) => [OPCODE.i32Constant, ...signed(value)];
const splat = (element: Uint8Array): number[] => LANES.flatMap(() => [...element]);
/** A constant offset; aligned to 4 bytes, since rows begin anywhere. */
const at = (address: number) => [2, ...unsigned(address)];

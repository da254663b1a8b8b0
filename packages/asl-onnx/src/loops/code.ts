import { type AnyNode, type DType, type Node, sizeOf, type ValueId } from "asl-core";
import { SIMD } from "../wasm/instructions.js";
import { OPCODE, type WasmFunction } from "../wasm/module.js";
import { elementBits, uniformElement } from "./elements.js";
import { at, get, integer, set, simd, tee } from "./emit.js";
import { expression } from "./expression.js";
import { acrossLanes, neutralOf, vectorsOf } from "./lanes.js";
import { lookUp } from "./lookup.js";
import type { LoopMemory } from "./memory.js";
import {
  ELEMENT_BYTES,
  isOfRow,
  isReduction,
  type LoopPlan,
  type Reduction,
  type Stage,
  TURN_BYTES,
  UNROLLED,
  VECTOR_BYTES,
} from "./plan.js";

/**
 * One loop as a function of the part of it that is asked for (see `Part`): from and to in bytes, and the part's number
 * in bytes of a float32. Addresses and sizes are part of the code.
 */
export const loopCode = (plan: LoopPlan, stage: Stage, memory: LoopMemory): WasmFunction =>
  new LoopWriter(plan, stage, memory).write();

/** Locals of a value: one for each vector of a turn; the same in all where they are equal. */
type Locals = readonly number[];

/** Sums and maxima are kept for each lane until the row ends. */
interface Accumulator {
  readonly node: Reduction;
  readonly locals: Locals;
}

const LANES = [0, 1, 2, 3] as const;

const COPIES = Array.from({ length: UNROLLED }, (_, i) => i);

/** Arguments: byte offset of the vector, which moves, and of the end; place of the part. Then where the row ends. */
const [OFFSET, TO, PART, END, FIRST_VECTOR] = [0, 1, 2, 3, 4] as const;

class LoopWriter {
  #nextVector = FIRST_VECTOR;
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
    const resets = (ofRow: boolean) => this.#accumulated(ofRow).flatMap((each) => this.#reset(each));
    const ends = (ofRow: boolean) => this.#accumulated(ofRow).flatMap((each) => this.#finish(each));
    const isOnce = columns === size;
    const nextVector = [...get(OFFSET), ...integer(TURN_BYTES), OPCODE.i32Add, ...tee(OFFSET)];
    const row = [
      ...resets(true),
      ...[OPCODE.loop, OPCODE.empty, ...this.#loop, ...nextVector, ...get(isOnce ? TO : END)],
      ...[OPCODE.i32LessUnsigned, OPCODE.branchIf, 0, OPCODE.end],
      ...ends(true),
    ];
    const rowBytes = integer(columns * ELEMENT_BYTES);
    const firstRow = [...get(OFFSET), ...rowBytes, OPCODE.i32Add, ...set(END)];
    const nextRow = [...get(END), ...set(OFFSET), ...firstRow];
    const rows = [
      ...firstRow,
      ...[OPCODE.loop, OPCODE.empty, ...row, ...nextRow, ...get(OFFSET), ...get(TO)],
      ...[OPCODE.i32LessUnsigned, OPCODE.branchIf, 0, OPCODE.end],
    ];
    const body = [...this.#before, ...resets(false), ...(isOnce ? row : rows), ...ends(false), ...this.#report()];
    const locals = [
      { count: 1, type: "i32" as const },
      { count: this.#nextVector - FIRST_VECTOR, type: "v128" as const },
    ];
    return { parameters: ["i32", "i32", "i32"], locals, body };
  }

  #accumulated(ofRow: boolean): Accumulator[] {
    return this.#accumulators.filter(({ node }) => isOfRow(this.stage, node, this.plan.graph) === ofRow);
  }

  /** Rows that end within a vector: what is behind the end must not count. */
  #prepareMask(): void {
    const counts = this.stage.nodes.some((node) => isReduction(node) || node.op === "gather");
    if (!counts || this.stage.columns % (LANES.length * UNROLLED) === 0) return;
    const ends = this.#allocate();
    this.#validLanes = COPIES.map(() => this.#allocate());
    // The end is not known before the loop: it moves from row to row.
    const end = this.stage.columns === this.stage.size ? TO : END;
    this.#loop.push(...get(end), ...simd(SIMD.splatI32), ...set(ends));
    for (const [copy, local] of this.#validLanes.entries()) {
      this.#loop.push(...this.#positions(copy), ...get(ends), ...simd(SIMD.lessI32), ...set(local));
    }
  }

  /** Byte offset of each lane. */
  #positions(copy: number): number[] {
    const lanes = new Uint8Array(Int32Array.from(LANES, (lane) => copy * VECTOR_BYTES + lane * ELEMENT_BYTES).buffer);
    return [...get(OFFSET), ...simd(SIMD.splatI32), ...get(this.#constant(lanes)), ...simd(SIMD.addI32)];
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
      this.#loop.push(...get(OFFSET), ...simd(SIMD.load), ...place, ...set(local));
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
      const code = expression(node, {
        locals: operands.map((locals) => locals[copy]!),
        numbers: node.inputs.map((input) => this.#knownNumber(input)),
        dtype: this.plan.graph.types[node.inputs[0]!]!.dtype,
        number: (value, dtype) => this.#number(value, dtype),
      });
      const local = this.#allocate();
      (isUniform ? this.#before : this.#loop).push(...code, ...set(local));
      return local;
    };
    if (!isUniform) return COPIES.map(compute);
    const local = compute(0);
    this.#uniform.add(local);
    return everyCopy(local);
  }

  #knownNumber(value: ValueId): number | undefined {
    const producer = this.plan.producers[this.plan.sourceOf(value)];
    return producer?.op === "constant" ? uniformElement(producer.attrs.value) : undefined;
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
      this.#loop.push(...get(OFFSET), ...get(local), ...simd(SIMD.store), ...place);
    }
  }

  #accumulate(node: Reduction): void {
    const elements = this.#local(node.inputs[0]!);
    const locals = COPIES.map(() => this.#allocate());
    this.#accumulators.push({ node, locals });
    const neutral = get(this.#number(neutralOf(node), "f32"));
    for (const [copy, local] of locals.entries()) {
      const mask = this.#validLanes?.[copy];
      const x = get(elements[copy]!);
      const counted = mask === undefined ? x : [...x, ...neutral, ...get(mask), ...simd(SIMD.bitselect)];
      this.#loop.push(...get(local), ...counted, ...simd(vectorsOf(node)), ...set(local));
    }
  }

  #reset({ node, locals }: Accumulator): number[] {
    const neutral = [...simd(SIMD.constant), ...splat(elementBits(neutralOf(node), "f32"))];
    return locals.flatMap((local) => [...neutral, ...set(local)]);
  }

  /** All lanes as one number: at the row's place in the result, or at the part's among the parts. */
  #finish({ node, locals }: Accumulator): number[] {
    const { combined, total } = acrossLanes(node, locals);
    const parts = this.memory.parts.get(node.output);
    if (parts !== undefined) return [...combined, ...get(PART), ...total, OPCODE.f32Store, ...at(parts)];
    const row = [...get(END), ...integer(this.stage.columns * ELEMENT_BYTES), OPCODE.i32DivideUnsigned];
    const place = [...row, ...integer(ELEMENT_BYTES), OPCODE.i32Multiply];
    // END is that of this row: the first row is number 1
    return [
      ...combined,
      ...place,
      ...total,
      OPCODE.f32Store,
      ...at(this.memory.addresses.get(node.output)! - ELEMENT_BYTES),
    ];
  }

  /** Remembers at address 0 that an index was out of range; parts of a loop may do so at the same time. */
  #report(): number[] {
    if (this.#outOfRange === undefined) return [];
    const flag = get(this.#outOfRange);
    const store = [...integer(0), ...flag, ...simd(SIMD.store), ...at(0)];
    return [...flag, ...simd(SIMD.anyTrue), OPCODE.if, OPCODE.empty, ...store, OPCODE.end];
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

const everyCopy = (local: number): Locals => COPIES.map(() => local);

const splat = (element: Uint8Array): number[] => LANES.flatMap(() => [...element]);

import { type AnyNode, type Node, sizeOf, type ValueId } from "asl-core";
import { SIMD } from "../wasm/instructions.js";
import { OPCODE, type WasmFunction } from "../wasm/module.js";
import { elementBits, uniformElement } from "./elements.js";
import { at, get, integer, set, simd, tee } from "./emit.js";
import { expression } from "./expression.js";
import { wholeIndices } from "./indices.js";
import { type Accumulator, neutralOf, total, vectorsOf } from "./lanes.js";
import { END, LANES, type Locals, OFFSET, splat, TO, VectorLocals } from "./locals.js";
import { lookUp } from "./lookup.js";
import type { LoopMemory, TableRows } from "./memory.js";
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
import { rareNodes } from "./rare.js";

/**
 * One loop as a function of the part of it that is asked for (see `Part`): from and to in bytes, and the part's number
 * in bytes of a float32. Addresses and sizes are part of the code.
 */
export const loopCode = (plan: LoopPlan, stage: Stage, memory: LoopMemory): WasmFunction =>
  new LoopWriter(plan, stage, memory).write();

const COPIES = Array.from({ length: UNROLLED }, (_, i) => i);

class LoopWriter {
  readonly #vectors = new VectorLocals();
  readonly #loop: number[] = [];
  readonly #locals = new Map<ValueId, Locals>();
  readonly #inStage: ReadonlyMap<ValueId, AnyNode>;
  readonly #accumulators: Accumulator[] = [];
  /** All bits set in lanes before the end of the row; undefined where rows are whole vectors. */
  #validLanes: Locals | undefined;
  /** The largest index at which tables were read. */
  readonly #largest = new Map<TableRows, number>();
  readonly #indices: ReadonlySet<AnyNode>;
  readonly #rare: ReadonlyMap<AnyNode, readonly AnyNode[]>;

  constructor(
    private readonly plan: LoopPlan,
    private readonly stage: Stage,
    private readonly memory: LoopMemory,
  ) {
    this.#inStage = new Map(stage.nodes.map((node) => [node.output, node]));
    this.#indices = wholeIndices(plan, stage);
    this.#rare = rareNodes(plan, stage);
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
    const ends = (ofRow: boolean) => this.#accumulated(ofRow).flatMap((each) => total(each, this.stage, this.memory));
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
    const body = [
      ...this.#vectors.before,
      ...resets(false),
      ...(isOnce ? row : rows),
      ...ends(false),
      ...this.#report(),
    ];
    const locals = [
      { count: 1, type: "i32" as const },
      { count: this.#vectors.count, type: "v128" as const },
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
    const ends = this.#vectors.allocate();
    this.#validLanes = COPIES.map(() => this.#vectors.allocate());
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
    return [...get(OFFSET), ...simd(SIMD.splatI32), ...get(this.#vectors.constant(lanes)), ...simd(SIMD.addI32)];
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
      if (element !== undefined) return everyCopy(this.#vectors.number(element, value.type.dtype));
    }
    const address = this.memory.addresses.get(source)!;
    if (this.#size(source) === 1 && this.stage.size !== 1) {
      const local = this.#vectors.allocate();
      this.#vectors.before.push(...integer(0), ...simd(SIMD.loadSplat32), ...at(address), ...set(local));
      this.#vectors.uniform.add(local);
      return everyCopy(local);
    }
    return COPIES.map((copy) => {
      const local = this.#vectors.allocate();
      const place = at(address + copy * VECTOR_BYTES);
      this.#loop.push(...get(OFFSET), ...simd(SIMD.load), ...place, ...set(local));
      return local;
    });
  }

  #compute(node: AnyNode): Locals {
    if (node.op === "gather") return this.#lookUp(node);
    if (node.op === "pad") return this.#pad(node);
    const rare = this.#rare.get(node);
    if (rare !== undefined) return this.#select(node as Node<"select">, rare);
    const operands = node.inputs.map((input) => this.#local(input));
    if (node.op === "cast" && this.plan.graph.types[node.inputs[0]!]!.dtype === node.attrs.to) return operands[0]!;
    const isUniform = operands.every(([first]) => this.#vectors.uniform.has(first!));
    const compute = (copy: number): number => {
      const code = expression(node, {
        locals: operands.map((locals) => locals[copy]!),
        numbers: node.inputs.map((input) => this.#knownNumber(input)),
        dtype: this.plan.graph.types[node.inputs[0]!]!.dtype,
        isIndex: this.#indices.has(node),
        number: (value, dtype) => this.#vectors.number(value, dtype),
      });
      const local = this.#vectors.allocate();
      (isUniform ? this.#vectors.before : this.#loop).push(...code, ...set(local));
      return local;
    };
    if (!isUniform) return COPIES.map(compute);
    const local = compute(0);
    this.#vectors.uniform.add(local);
    return everyCopy(local);
  }

  /** Computes what is taken where the condition holds in those turns only in which it holds anywhere. */
  #select({ inputs }: Node<"select">, rare: readonly AnyNode[]): Locals {
    const [condition, whereTrue, whereFalse] = inputs as readonly [ValueId, ValueId, ValueId];
    const masks = this.#local(condition);
    const others = this.#local(whereFalse);
    const within = new Set(rare.map(({ output }) => output));
    for (const input of rare.flatMap((node) => node.inputs)) {
      if (!within.has(this.plan.sourceOf(input))) this.#local(input);
    }
    const results = COPIES.map(() => this.#vectors.allocate());
    for (const copy of COPIES) this.#loop.push(...get(others[copy]!), ...set(results[copy]!));
    const anywhere = masks.flatMap((mask, copy) => [...get(mask), ...(copy === 0 ? [] : simd(SIMD.or))]);
    this.#loop.push(...anywhere, ...simd(SIMD.anyTrue), OPCODE.if, OPCODE.empty);
    const chosen = this.#local(whereTrue);
    for (const [copy, result] of results.entries()) {
      const operands = [chosen[copy]!, result, masks[copy]!];
      this.#loop.push(...operands.flatMap(get), ...simd(SIMD.bitselect), ...set(result));
    }
    this.#loop.push(OPCODE.end);
    return results;
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
      const last = this.#vectors.number(rows.entries - 1, "i32");
      const largest = this.#vectors.allocate();
      this.#largest.set(rows, largest);
      const copies = COPIES.map((copy) => {
        const index = locals[copy]!;
        const valid = this.#validLanes?.[copy];
        const counted = valid === undefined ? [] : [...get(valid), ...simd(SIMD.and)];
        this.#loop.push(...get(index), ...counted, ...get(largest), ...simd(SIMD.maxUnsigned), ...set(largest));
        const columns = rows.tables.map(() => this.#vectors.allocate());
        this.#loop.push(...lookUp({ rows, index, last, columns, allocate: () => this.#vectors.allocate() }));
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
    const size = this.#vectors.number(this.#size(inputs[0]!) * ELEMENT_BYTES, "i32");
    const padding = this.#vectors.number(value, "f32");
    return COPIES.map((copy) => {
      const local = this.#vectors.allocate();
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
    const locals = COPIES.map(() => this.#vectors.allocate());
    this.#accumulators.push({ node, locals });
    const neutral = neutralOf(node);
    for (const [copy, local] of locals.entries()) {
      const mask = this.#validLanes?.[copy];
      const x = get(elements[copy]!);
      const masked = (valid: number) =>
        neutral === 0
          ? [...x, ...get(valid), ...simd(SIMD.and)]
          : [...x, ...get(this.#vectors.number(neutral, "f32")), ...get(valid), ...simd(SIMD.bitselect)];
      const counted = mask === undefined ? x : masked(mask);
      this.#loop.push(...get(local), ...counted, ...simd(vectorsOf(node)), ...set(local));
    }
  }

  #reset({ node, locals }: Accumulator): number[] {
    const neutral = [...simd(SIMD.constant), ...splat(elementBits(neutralOf(node), "f32"))];
    return locals.flatMap((local) => [...neutral, ...set(local)]);
  }

  /** Remembers at address 0 that an index was out of range; parts of a loop may do so at the same time. */
  #report(): number[] {
    return [...this.#largest].flatMap(([{ entries }, largest]) => {
      const last = get(this.#vectors.number(entries - 1, "i32"));
      const isOutside = [...get(largest), ...last, ...simd(SIMD.greaterUnsigned)];
      const store = [...integer(0), ...isOutside, ...simd(SIMD.store), ...at(0)];
      return [...isOutside, ...simd(SIMD.anyTrue), OPCODE.if, OPCODE.empty, ...store, OPCODE.end];
    });
  }

  #size(value: ValueId): number {
    return sizeOf(this.plan.graph.types[value]!.shape);
  }
}

const everyCopy = (local: number): Locals => COPIES.map(() => local);

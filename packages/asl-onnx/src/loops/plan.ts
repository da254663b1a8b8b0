import {
  type AnyNode,
  type Graph,
  type Node,
  optimize,
  type Program,
  producersOf,
  type Shape,
  sizeOf,
  traitsOf,
  type ValueId,
} from "asl-core";
import { isKernelOp } from "../wasm/instructions.js";

/** One loop over `size` elements: everything of that size which can be computed before the loops that follow. */
export interface Stage {
  readonly size: number;
  /** Elements that are summed together, where not all are; otherwise `size`. */
  readonly columns: number;
  /** In topological order, reductions over the loop included. */
  readonly nodes: readonly AnyNode[];
}

/** A program as loops, one after another. */
export interface LoopPlan {
  readonly graph: Graph;
  readonly stages: readonly Stage[];
  /** Values that a loop leaves in memory: outputs, and what a later loop reads. */
  readonly stored: ReadonlySet<ValueId>;
  /** The value with the same elements: without views and repetitions. */
  readonly sourceOf: (value: ValueId) => ValueId;
  readonly producers: readonly (AnyNode | undefined)[];
}

/** Fewer passes over memory than this are left to ONNX Runtime. */
const FEWEST_PASSES = 8;

/** Byte offsets of a loop are compared as signed 32-bit numbers. */
const LARGEST_SIZE = 2 ** 29;

export type Reduction = Node<"reduceSum"> | Node<"reduceMax">;

export const isReduction = (node: AnyNode): node is Reduction => node.op === "reduceSum" || node.op === "reduceMax";

/** Whether a reduction gives a number for each row of its loop, not one for all of it. */
export const isOfRow = ({ size, columns }: Stage, { output }: Reduction, { types }: Graph): boolean =>
  columns !== size && sizeOf(types[output]!.shape) !== 1;

export const VECTOR_BYTES = 16;
/** Elements are floats, whole numbers or truth masks. */
export const ELEMENT_BYTES = 4;

/** Vectors of one turn of a loop. With few the processor waits: nearly every result hangs on the one before. */
export const UNROLLED = 4;
export const TURN_BYTES = UNROLLED * VECTOR_BYTES;

/** A share of a loop that a thread may do by itself: byte offsets of its first element and of its end. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

export const MOST_PARTS = 16;
/** Shorter loops are not divided. */
const DIVIDED_SIZE = 2 ** 16;

/** Of a loop; they depend on its size alone, so that sums do not depend on the number of threads. */
export function partsOf({ size, columns }: Stage): readonly Part[] {
  const unit = columns === size ? TURN_BYTES : columns * ELEMENT_BYTES;
  const end = size * ELEMENT_BYTES;
  const count = size < DIVIDED_SIZE ? 1 : Math.min(MOST_PARTS, Math.floor(end / unit));
  const border = (i: number) => (i === count ? end : Math.floor((i * end) / count / unit) * unit);
  return Array.from({ length: count }, (_, i) => ({ from: border(i), to: border(i + 1) }));
}

/**
 * The loops of a program without state that is elementwise apart from look-ups in constant tables, repeated numbers,
 * padding at the end and reductions over its last axes; undefined for all others.
 */
export function planLoops(program: Program): LoopPlan | undefined {
  if (Object.keys(program.reads).length > 0 || Object.keys(program.writes).length > 0) return undefined;
  const graph = optimize(program.graph);
  const planner = new Planner(graph);
  const isExpressible = graph.nodes.every((node) => planner.isExpressible(node)) && planner.returnsStored();
  if (!isExpressible) return undefined;
  const plan = planner.plan();
  const passes = plan.stages.reduce((sum, { nodes }) => sum + nodes.length, 0);
  return passes < FEWEST_PASSES ? undefined : plan;
}

interface Draft {
  readonly level: number;
  readonly size: number;
  columns: number;
  readonly nodes: AnyNode[];
}

class Planner {
  readonly #producers: readonly (AnyNode | undefined)[];
  readonly #stages = new Map<string, Draft>();
  readonly #stageOf = new Map<ValueId, Draft>();

  constructor(private readonly graph: Graph) {
    this.#producers = producersOf(graph);
  }

  isExpressible(node: AnyNode): boolean {
    const size = this.#size(node.output);
    if (size === 0 || size > LARGEST_SIZE) return false;
    const shapeOf = (value: ValueId): Shape => this.graph.types[value]!.shape;
    const [first] = node.inputs;
    if (node.op === "constant" || node.op === "cast" || isKernelOp(node.op)) return true;
    if (traitsOf(node.op).view === true) return true;
    if (node.op === "broadcast") return this.#size(first!) === 1 || this.#size(first!) === size;
    if (node.op === "gather") {
      const isTable = this.#producers[first!]?.op === "constant" && shapeOf(first!).length === 1;
      return isTable && this.graph.types[first!]!.dtype === "f32";
    }
    if (node.op === "pad") {
      const isAtEnd = shapeOf(first!).length === 1 && node.attrs.low[0] === 0 && node.attrs.mode === "constant";
      return isAtEnd && this.graph.types[node.output]!.dtype === "f32";
    }
    if (!isReduction(node)) return false;
    const { length } = shapeOf(first!);
    return this.#size(first!) > 0 && node.attrs.axes.every((axis, i) => axis === length - node.attrs.axes.length + i);
  }

  /** Whether inputs and outputs are float32 and each output is an array that some loop writes. */
  returnsStored(): boolean {
    const isReal = (value: ValueId) => this.graph.types[value]!.dtype === "f32";
    const isComputed = (value: ValueId) => {
      const source = this.#sourceOf(value);
      const producer = this.#producers[source];
      return producer !== undefined && producer.op !== "constant" && this.#size(source) === this.#size(value);
    };
    const ids = Object.values(this.graph.outputs);
    return Object.values(this.graph.inputs).every(isReal) && ids.every((id) => isReal(id) && isComputed(id));
  }

  plan(): LoopPlan {
    for (const node of this.graph.nodes) if (!this.#isTransparent(node)) this.#place(node);
    const stages = [...this.#stages.values()].sort((a, b) => a.level - b.level);
    return {
      graph: this.graph,
      stages,
      stored: this.#storedValues(stages),
      sourceOf: (value) => this.#sourceOf(value),
      producers: this.#producers,
    };
  }

  /** Costs nothing in a loop. */
  #isTransparent({ op, inputs, output }: AnyNode): boolean {
    if (op === "constant") return true;
    const isSame =
      op === "broadcast" && (this.#size(inputs[0]!) === 1 || this.#size(inputs[0]!) === this.#size(output));
    return isSame || traitsOf(op).view === true;
  }

  #sourceOf(value: ValueId): ValueId {
    const producer = this.#producers[value];
    if (producer === undefined || producer.op === "constant" || !this.#isTransparent(producer)) return value;
    return this.#sourceOf(producer.inputs[0]!);
  }

  /** A loop can read what it computes itself, and what is in memory when it begins. */
  #place(node: AnyNode): void {
    const size = this.#size(isReduction(node) ? node.inputs[0]! : node.output);
    let level = 0;
    for (const input of node.inputs) {
      const source = this.#sourceOf(input);
      const stage = this.#stageOf.get(source);
      if (stage === undefined) continue;
      const isOfThisLoop = this.#size(source) === size && node.op !== "pad" && !isReduction(this.#producers[source]!);
      level = Math.max(level, isOfThisLoop ? stage.level : stage.level + 1);
    }
    const columns = isReduction(node) ? size / this.#size(node.output) : size;
    let draft = this.#stage(level, size);
    // one length of partial sums for each loop
    while (columns !== size && draft.columns !== size && draft.columns !== columns) draft = this.#stage(++level, size);
    if (columns !== size) draft.columns = columns;
    draft.nodes.push(node);
    this.#stageOf.set(node.output, draft);
  }

  #stage(level: number, size: number): Draft {
    const key = `${level} ${size}`;
    const known = this.#stages.get(key) ?? { level, size, columns: size, nodes: [] };
    this.#stages.set(key, known);
    return known;
  }

  #storedValues(stages: readonly Draft[]): Set<ValueId> {
    const stored = new Set<ValueId>();
    for (const id of Object.values(this.graph.outputs)) stored.add(this.#sourceOf(id));
    for (const stage of stages) {
      for (const node of stage.nodes) {
        if (isReduction(node)) stored.add(node.output);
        for (const input of node.inputs) {
          const source = this.#sourceOf(input);
          const from = this.#stageOf.get(source);
          if (from !== undefined && from !== stage) stored.add(source);
        }
      }
    }
    return stored;
  }

  #size(value: ValueId): number {
    return sizeOf(this.graph.types[value]!.shape);
  }
}

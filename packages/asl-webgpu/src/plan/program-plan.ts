import {
  type AnyNode,
  type ExecutionPlan,
  type Graph,
  InputError,
  limitMemory,
  optimize,
  type Program,
  producersOf,
  splitConcats,
  type TensorData,
  traitsOf,
  type ValueId,
} from "asl-core";
import type { Tuning } from "../contraction/index.js";
import { type GroupOptions, groupsOf } from "../fusion/group.js";
import { kernelOf } from "../kernel/compile-group.js";
import { type Kernel, readsOf, writesOf } from "../kernel/kernel.js";
import type { Arithmetic } from "../lower/lowering.js";
import { OutOfMemoryError } from "../runtime/errors.js";
import { paddedBytes, storedBytes } from "../wgsl/storage.js";
import { withFiniteFlags } from "./finite-flags.js";
import { buffersOf, halfBuffersOf, type Storage } from "./half-storage.js";
import { planSlots, type SlotPlan } from "./slots.js";

/** What a plan depends on beside the program. */
export interface Target {
  readonly arithmetic: Arithmetic;
  readonly tuning: Tuning;
  readonly limits: Pick<GPUSupportedLimits, "maxStorageBuffersPerShaderStage">;
  readonly fusion?: GroupOptions["fusion"];
  /** Default "f32". */
  readonly storage?: Storage;
}

/** Which buffer holds a value while the program runs. */
export type Location =
  /** The state as it was before the step. */
  | { readonly kind: "state"; readonly name: string }
  /** What the state becomes after the step. */
  | { readonly kind: "next"; readonly name: string }
  | { readonly kind: "feed"; readonly name: string }
  | { readonly kind: "constant"; readonly value: TensorData }
  /** Shared with values that live at other times. */
  | { readonly kind: "slot"; readonly slot: number };

export interface ProgramPlan {
  readonly program: Program;
  /** Outputs that say whether a written output is finite, by that output. */
  readonly flags: ReadonlyMap<string, string>;
  /** The graph that runs: the program's, with those flags, simplified. */
  readonly graph: Graph;
  readonly kernels: readonly Kernel[];
  /** Of each value that lies in a buffer of its own; views share that of their argument. */
  readonly locations: ReadonlyMap<ValueId, Location>;
  /** The value in whose buffer each value lies. */
  readonly bufferOf: readonly ValueId[];
  /** The buffers that hold 16 bits of each element. */
  readonly halves: ReadonlySet<ValueId>;
  /** Slot of each kernel's scratch, if it needs any. */
  readonly scratchSlots: readonly (number | undefined)[];
  readonly slots: SlotPlan;
  /** Floating-point operations of the kernels beyond those of the plan without a memory limit. */
  readonly repeatedFlops: number;
}

export interface PlanOptions {
  /**
   * Most bytes for values between kernels: what waits long for its readers, as activations do for the backward pass, is
   * made again for them as far as it takes. Every bit of the results stays. Default: no limit.
   */
  readonly memoryLimit?: number;
}

/**
 * Everything about a program that can be said without a device. Throws OutOfMemoryError when no plan that was tried keeps the
 * limit.
 */
export function planProgram(program: Program, target: Target, { memoryLimit }: PlanOptions = {}): ProgramPlan {
  const { program: flagged, flags } = withFiniteFlags(program);
  const graph = splitConcats(optimize(flagged.graph), target.limits.maxStorageBuffersPerShaderStage - 1);
  if (memoryLimit === undefined) return { ...planGraph(graph, program, target), flags, repeatedFlops: 0 };
  if (!(memoryLimit > 0)) throw new InputError(`memoryLimit must be a number of bytes above 0; got ${memoryLimit}`);
  const unlimited = planGraph(graph, program, target);
  const { plan } = limitMemory(graph, {
    bytes: memoryLimit,
    plan(each, cut) {
      const planned = each === graph && cut === undefined ? unlimited : planGraph(each, program, target, cut);
      return { ...planned, ...executionOf(planned) };
    },
  });
  const { steps: _steps, bytes: _bytes, plannedBytes, ...planned } = plan;
  if (plannedBytes > memoryLimit) {
    throw new OutOfMemoryError(
      `memoryLimit is ${memoryLimit} bytes for values between kernels; they take ${unlimited.slots.plannedBytes} without a ` +
        `limit, and ${plannedBytes} in the smallest of the plans that were tried with values computed again. Allow more, or ` +
        "take a smaller batch or smaller images.",
      plannedBytes,
    );
  }
  return { ...planned, flags, repeatedFlops: Math.max(0, flopsOf(planned) - flopsOf(unlimited)) };
}

type GraphPlan = Omit<ProgramPlan, "flags" | "repeatedFlops">;

const flopsOf = ({ kernels }: GraphPlan) => kernels.reduce((sum, { flops }) => sum + flops, 0);

function executionOf({ graph, kernels, locations, slots, halves }: GraphPlan): ExecutionPlan {
  const shared = [...locations].filter(([, { kind }]) => kind === "slot");
  return {
    steps: kernels.map((kernel) => ({ reads: readsOf(kernel), writes: writesOf(kernel) })),
    bytes: new Map(shared.map(([id]) => [id, bufferBytes(graph, halves, id)])),
    plannedBytes: slots.plannedBytes,
  };
}

function planGraph(graph: Graph, program: Program, target: Target, cut?: number): GraphPlan {
  const bufferOf = buffersOf(graph);
  const halves = halfBuffersOf(graph, program, target.storage ?? "f32", bufferOf);
  const splatOf = splatsOf(graph);
  const { groups, stored } = groupsOf(graph, {
    fusion: target.fusion ?? "full",
    mostBuffers: target.limits.maxStorageBuffersPerShaderStage,
    isSplat: (value) => splatOf(value) !== undefined,
    ...(cut === undefined ? {} : { cut }),
  });
  const context = {
    types: graph.types,
    producers: producersOf(graph),
    splatOf,
    isHalf: (value: ValueId) => halves.has(bufferOf[value]!),
    arithmetic: target.arithmetic,
  };
  const kernels = groups.map((group) => {
    const made = new Set(group.nodes.map(({ output }) => output));
    const used = new Set(group.nodes.flatMap(({ inputs }) => inputs));
    const isStored = (value: ValueId) => stored.has(value) && !made.has(value);
    return kernelOf(group, { ...context, isStored, isComputedWith: (value) => used.has(value) }, target);
  });
  const locations = new Map<ValueId, Location>();
  for (const [name, id] of Object.entries(graph.inputs)) {
    const state = program.reads[name];
    locations.set(id, state === undefined ? { kind: "feed", name } : { kind: "state", name: state });
  }
  for (const { op, output, attrs } of graph.nodes) {
    if (op === "constant") locations.set(output, { kind: "constant", value: attrs.value });
  }
  const lives = lifetimesOf(graph, kernels, bufferOf, halves);
  // A kernel writes what becomes state where it will stay.
  for (const [output, name] of Object.entries(program.writes)) {
    const buffer = bufferOf[graph.outputs[output]!]!;
    if (lives.has(buffer) && !locations.has(buffer)) locations.set(buffer, { kind: "next", name });
  }
  const shared = [...lives].filter(([id]) => !locations.has(id));
  const scratches = kernels.flatMap(({ scratchElements }, step) =>
    scratchElements === 0
      ? []
      : [{ step, lifetime: { bytes: paddedBytes(4 * scratchElements), first: step, last: step } }],
  );
  const slots = planSlots([...shared.map(([, lifetime]) => lifetime), ...scratches.map(({ lifetime }) => lifetime)]);
  shared.forEach(([id], i) => {
    locations.set(id, { kind: "slot", slot: slots.slotOf[i]! });
  });
  const scratchSlots = kernels.map((): number | undefined => undefined);
  scratches.forEach(({ step }, i) => {
    scratchSlots[step] = slots.slotOf[shared.length + i]!;
  });
  return { program, graph, kernels, locations, bufferOf, halves, scratchSlots, slots };
}

const bufferBytes = (graph: Graph, halves: ReadonlySet<ValueId>, id: ValueId): number =>
  paddedBytes(storedBytes(graph.types[id]!, halves.has(id)));

/** When the values that kernels write are written and last read; outputs live to the end. */
function lifetimesOf(
  graph: Graph,
  kernels: readonly Kernel[],
  bufferOf: readonly ValueId[],
  halves: ReadonlySet<ValueId>,
) {
  const given = new Set<ValueId>(Object.values(graph.inputs));
  for (const { op, output } of graph.nodes) if (op === "constant") given.add(output);
  const isGiven = (id: ValueId) => given.has(id);
  const lives = new Map<ValueId, { readonly bytes: number; readonly first: number; last: number }>();
  kernels.forEach((kernel, step) => {
    for (const id of readsOf(kernel)) {
      const life = lives.get(id);
      if (life !== undefined) life.last = step;
      // no kernel makes what has no elements
      else if (!isGiven(id)) lives.set(id, { bytes: paddedBytes(0), first: step, last: step });
    }
    for (const id of writesOf(kernel)) {
      lives.set(id, { bytes: bufferBytes(graph, halves, id), first: step, last: step });
    }
  });
  for (const id of Object.values(graph.outputs)) {
    const life = lives.get(bufferOf[id]!);
    if (life !== undefined) life.last = kernels.length;
  }
  return lives;
}

/** The one number of constants that repeat it. */
function splatsOf(graph: Graph): (value: ValueId) => number | undefined {
  const splats = new Map<ValueId, number>();
  const note = ({ op, inputs, output, attrs }: AnyNode) => {
    if (op === "constant") {
      const { data } = attrs.value;
      if (data.length > 0 && data.every((element) => Object.is(element, data[0]))) splats.set(output, data[0]!);
    }
    const repeats = op === "broadcast" || traitsOf(op).view === true;
    const splat = repeats ? splats.get(inputs[0]!) : undefined;
    if (splat !== undefined) splats.set(output, splat);
  };
  graph.nodes.forEach(note);
  return (value) => splats.get(value);
}

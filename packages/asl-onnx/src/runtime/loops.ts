import {
  assertFinite,
  checkFeeds,
  InputError,
  type Program,
  sizeOf,
  type TensorData,
  type Tensors,
  type ValueId,
} from "asl-core";
import { loopCode } from "../loops/code.js";
import { layOut } from "../loops/memory.js";
import { ELEMENT_BYTES, isReduction, type LoopPlan, partsOf } from "../loops/plan.js";
import { wasmModule } from "../wasm/module.js";
import type { CompiledProgram } from "./program.js";

const PAGE_BYTES = 65536;

/** A loop over one part of its elements: from and to in bytes, number of the part in bytes of a float32. */
export type Loop = (from: number, to: number, part: number) => void;

/** The loops of a program with what they work on, as it can be sent to a thread. */
export interface LoopModule {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Of each loop: from, to and place of each part. */
  readonly parts: readonly (readonly (readonly [from: number, to: number, part: number])[])[];
}

/** Runs the parts of a loop, and returns when all are done. */
export interface LoopRunner {
  run(loop: number): void;
  release(): Promise<void>;
}

/** Starts threads that share the work of a module's loops. */
export interface LoopThreads {
  /** This thread included. */
  readonly count: number;
  start(module: LoopModule, count: number): Promise<LoopRunner>;
}

/** A program that needs no ONNX Runtime: its loops, one after another, over a memory of their own. */
export async function compileLoops(
  name: string,
  program: Program,
  plan: LoopPlan,
  threads?: LoopThreads,
): Promise<CompiledProgram> {
  const { graph, stages } = plan;
  const layout = layOut(plan);
  const pages = layout.bytes / PAGE_BYTES;
  const parts = stages.map((stage) => partsOf(stage).map(({ from, to }, i) => [from, to, ELEMENT_BYTES * i] as const));
  const count = Math.min(threads?.count ?? 1, Math.max(...parts.map(({ length }) => length)));
  const shared = count > 1;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  layout.fill(memory);
  const code = stages.map((stage) => loopCode(plan, stage, layout));
  const module = await WebAssembly.compile(wasmModule(code, shared ? pages : undefined));
  const loops: LoopModule = { module, memory, parts };
  const runner = shared ? await threads!.start(loops, count) : runAlone(loops);

  const at = (address: number, length: number) => new Float32Array(memory.buffer, address, length);
  const arrayOf = (value: ValueId) =>
    at(layout.addresses.get(plan.sourceOf(value))!, sizeOf(graph.types[value]!.shape));
  const combining = stages.map(({ nodes }, loop) =>
    nodes.filter(isReduction).flatMap(({ op, output }) => {
      const address = layout.parts.get(output);
      return address === undefined
        ? []
        : [{ combine: COMBINE[op], of: at(address, parts[loop]!.length), into: arrayOf(output) }];
    }),
  );
  const outOfRange = new Int32Array(memory.buffer, 0, 4);

  return {
    async run(feeds: Tensors): Promise<Tensors> {
      checkFeeds(name, program, feeds);
      for (const [input, id] of Object.entries(graph.inputs)) arrayOf(id).set(feeds[input]!.data);
      outOfRange.fill(0);
      for (const [loop, whole] of combining.entries()) {
        runner.run(loop);
        for (const { combine, of, into } of whole) into[0] = of.reduce(combine);
      }
      if (outOfRange.some((lane) => lane !== 0)) {
        throw new InputError(`program ${name}: gather: an index is outside its table`);
      }
      const results: Record<string, TensorData> = {};
      for (const [output, id] of Object.entries(graph.outputs)) {
        results[output] = { type: graph.types[id]!, data: arrayOf(id).slice() };
      }
      assertFinite(results, program.finite);
      return results;
    },
    release: () => runner.release(),
  };
}

const COMBINE = {
  reduceSum: (a: number, b: number) => Math.fround(a + b),
  reduceMax: (a: number, b: number) => Math.max(a, b),
} as const;

function runAlone({ module, memory, parts }: LoopModule): LoopRunner {
  const loops = loopsOf(module, memory);
  return {
    run(loop) {
      for (const part of parts[loop]!) loops[loop]!(...part);
    },
    release: async () => undefined,
  };
}

/** The functions of a module over a memory. */
export function loopsOf(module: WebAssembly.Module, memory: WebAssembly.Memory): readonly Loop[] {
  const { exports } = new WebAssembly.Instance(module, { state: { memory } });
  return WebAssembly.Module.exports(module).map(({ name }) => exports[name] as Loop);
}

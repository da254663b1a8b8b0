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
import { runAlone, type Threads, type Work } from "../threads/calls.js";
import { wasmModule } from "../wasm/module.js";
import type { CompiledProgram } from "./program.js";

const PAGE_BYTES = 65536;

/** A program that needs no ONNX Runtime: its loops, one after another, over a memory of their own. */
export async function compileLoops(
  name: string,
  program: Program,
  plan: LoopPlan,
  threads?: Threads,
): Promise<CompiledProgram> {
  const { graph, stages } = plan;
  const layout = layOut(plan);
  const pages = layout.bytes / PAGE_BYTES;
  const parts = stages.map(partsOf);
  // from and to in bytes, number of the part in bytes of a float32
  const jobs = parts.map((each, loop) => each.map(({ from, to }, i) => [loop, from, to, ELEMENT_BYTES * i] as const));
  const count = Math.min(threads?.count ?? 1, Math.max(...parts.map(({ length }) => length)));
  const shared = count > 1;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  layout.fill(memory);
  const code = stages.map((stage) => loopCode(plan, stage, layout));
  const module = await WebAssembly.compile(wasmModule(code, shared ? pages : undefined));
  const work: Work = { module, memory, jobs };
  const runner = shared ? await threads!.start(work, count) : runAlone(work);

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

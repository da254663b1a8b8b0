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
import type { LoopPlan } from "../loops/plan.js";
import { wasmModule } from "../wasm/module.js";
import type { CompiledProgram } from "./program.js";

const PAGE_BYTES = 65536;

/** A program that needs no ONNX Runtime: its loops, one after another, over a memory of their own. */
export async function compileLoops(name: string, program: Program, plan: LoopPlan): Promise<CompiledProgram> {
  const layout = layOut(plan);
  const pages = layout.bytes / PAGE_BYTES;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  layout.fill(memory);
  const module = wasmModule(plan.stages.map((stage) => loopCode(plan, stage, layout)));
  const { instance } = await WebAssembly.instantiate(module, { state: { memory } });
  const loops = plan.stages.map((_, i) => instance.exports[String(i)] as () => void);
  const outOfRange = new BigUint64Array(memory.buffer, 0, 2);
  const arrayOf = (value: ValueId): Float32Array => {
    const size = sizeOf(plan.graph.types[value]!.shape);
    return new Float32Array(memory.buffer, layout.addresses.get(plan.sourceOf(value))!, size);
  };

  return {
    async run(feeds: Tensors): Promise<Tensors> {
      checkFeeds(name, program, feeds);
      for (const [input, id] of Object.entries(plan.graph.inputs)) {
        arrayOf(id).set(feeds[input]!.data);
      }
      outOfRange.fill(0n);
      for (const loop of loops) loop();
      if (outOfRange.some((lanes) => lanes !== 0n)) {
        throw new InputError(`program ${name}: gather: an index is outside its table`);
      }
      const results: Record<string, TensorData> = {};
      for (const [output, id] of Object.entries(plan.graph.outputs)) {
        results[output] = { type: plan.graph.types[id]!, data: arrayOf(id).slice() };
      }
      assertFinite(results, program.finite);
      return results;
    },
    async release() {},
  };
}

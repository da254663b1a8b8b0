import { assertFinite, checkFeeds, type Program, type TensorData, type Tensors } from "asl-core";
import type { Tensor } from "onnxruntime-common";
import { toOnnxModel } from "../model.js";
import { ModelSession } from "./model-session.js";
import { type RuntimeOptions, sessionOptions } from "./options.js";
import type { StateStore } from "./state.js";
import { fromRuntime, type OnnxRuntime, toRuntime } from "./tensors.js";

/** A program that is ready to run on a session's state. */
export interface CompiledProgram {
  run(feeds: Tensors): Promise<Tensors>;
  release(): Promise<void>;
}

export async function compileProgram(
  name: string,
  program: Program,
  store: StateStore,
  options: RuntimeOptions & { readonly runtime: OnnxRuntime },
): Promise<CompiledProgram> {
  const { runtime } = options;
  const { graph } = program;
  const { model, inputs, outputs } = toOnnxModel(graph, { name });
  const kind = Object.keys(program.writes).length > 0 ? "training" : "inference";
  const session = await ModelSession.load(runtime, `program ${name}`, model, sessionOptions(kind, options));

  return {
    async run(feeds) {
      checkFeeds(name, program, feeds);
      const tensors: Record<string, Tensor> = {};
      for (const input of inputs) {
        const stateName = program.reads[input];
        tensors[input] = toRuntime(runtime, stateName === undefined ? feeds[input]! : store.get(stateName));
      }
      const fetches = Object.fromEntries(Object.values(outputs).map((output) => [output, null]));
      const fetched = await session.run(tensors, fetches);
      const results: Record<string, TensorData> = {};
      for (const [output, onnxName] of Object.entries(outputs)) {
        results[output] = fromRuntime(output, fetched[onnxName]!, graph.types[graph.outputs[output]!]!);
      }
      assertFinite(results, program.finite);
      for (const [output, stateName] of Object.entries(program.writes)) {
        store.replace(stateName, results[output]!.data);
        delete results[output];
      }
      return results;
    },
    release: () => session.release(),
  };
}

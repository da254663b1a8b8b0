import {
  assertFinite,
  checkFeeds,
  type Graph,
  type Program,
  type Shape,
  type TensorData,
  type Tensors,
} from "asl-core";
import type { Tensor } from "onnxruntime-common";
import { sessionFusions } from "../fusions/session.js";
import { toOnnxModel } from "../model.js";
import { blockSizeOf } from "./block-size.js";
import { ModelSession } from "./model-session.js";
import { type RuntimeOptions, sessionOptions } from "./options.js";
import { writesIntoOutputs } from "./preallocation.js";
import type { StateStore } from "./state.js";
import { fromRuntime, type OnnxRuntime, toRuntime } from "./tensors.js";

/** A program that is ready to run on a session's state. */
export interface CompiledProgram {
  run(feeds: Tensors): Promise<Tensors>;
  release(): Promise<void>;
}

/** What happens with a program's outputs that go into state. */
export interface Update {
  /** Outputs that the runtime writes straight into memory of the session. */
  readonly staged: ReadonlyMap<string, TensorData>;
  /** Advances the state from the other outputs. */
  run(feeds: Tensors, results: Tensors): void;
}

export interface ProgramParts {
  readonly name: string;
  readonly program: Program;
  /** What ONNX Runtime computes: the program's graph, or what is left of it when updates are cut off. */
  readonly graph: Graph;
  readonly store: StateStore;
  readonly update: Update;
  /** Outputs that return to the caller. */
  readonly returned: readonly string[];
}

const withShape = ({ type, data }: TensorData, shape: Shape): TensorData => ({ type: { ...type, shape }, data });

export async function compileProgram(
  { name, program, graph, store, update, returned }: ProgramParts,
  options: RuntimeOptions & { readonly runtime: OnnxRuntime },
): Promise<CompiledProgram> {
  const { runtime } = options;
  const { model, inputs, outputs, extents } = toOnnxModel(graph, {
    name,
    fusions: sessionFusions({ blockSize: await blockSizeOf(runtime) }),
    flat: new Set(update.staged.keys()),
  });
  const kind = Object.keys(program.writes).length > 0 ? "training" : "inference";
  const session = await ModelSession.load(runtime, `program ${name}`, model, sessionOptions(kind, options));
  const writesInto = await writesIntoOutputs(runtime);
  const fetches: Record<string, Tensor | null> = {};
  for (const [output, onnxName] of Object.entries(outputs)) {
    const staged = writesInto ? update.staged.get(output) : undefined;
    fetches[onnxName] = staged === undefined ? null : toRuntime(runtime, withShape(staged, extents[output] as Shape));
  }

  return {
    async run(feeds) {
      checkFeeds(name, program, feeds);
      const tensors: Record<string, Tensor> = {};
      for (const input of inputs) {
        const stateName = program.reads[input];
        tensors[input] = toRuntime(runtime, stateName === undefined ? feeds[input]! : store.get(stateName));
      }
      const fetched = await session.run(tensors, fetches);
      const results: Record<string, TensorData> = {};
      for (const [output, onnxName] of Object.entries(outputs)) {
        const staged = update.staged.get(output);
        if (staged !== undefined && writesInto) continue;
        const result = fromRuntime(output, fetched[onnxName]!, graph.types[graph.outputs[output]!]!);
        if (staged === undefined) results[output] = result;
        else staged.data.set(result.data);
      }
      assertFinite(results, program.finite);
      update.run(feeds, results);
      return Object.fromEntries(returned.map((output) => [output, results[output]!]));
    },
    release: () => session.release(),
  };
}

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
import { inferenceFusions } from "../export/folding.js";
import type { OnnxOperator } from "../lower/operators.js";
import type { Quirks } from "../lower/quirks.js";
import { type OnnxModel, toOnnxModel } from "../model.js";
import type { ModelProto } from "../proto/messages.js";
import { discard } from "./discard.js";
import { gradientsAsTheyCome } from "./execution-order.js";
import { KERNELS } from "./kernels.js";
import { ModelSession } from "./model-session.js";
import { type RuntimeOptions, sessionOptions } from "./options.js";
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

export interface ProgramOptions extends RuntimeOptions {
  readonly runtime: OnnxRuntime;
  /**
   * What a program that writes no state does with the state that it reads: `folded` (default) makes it part of the
   * model, batch norm folded into convolutions, at the first run after a change; `fed` feeds it at each run.
   */
  readonly inference?: "folded" | "fed";
  /** What the kernels do otherwise than the ops ask; default: found by trying. */
  readonly quirks?: Quirks;
}

/** A model that is loaded, and what its inputs and outputs are. */
interface Prepared extends Omit<OnnxModel, "model"> {
  readonly session: ModelSession;
}

export async function compileProgram(parts: ProgramParts, options: ProgramOptions): Promise<CompiledProgram> {
  const { program, store } = parts;
  const isTraining = Object.keys(program.writes).length > 0;
  const isFolded = !isTraining && options.inference !== "fed" && Object.keys(program.reads).length > 0;
  const { runtime, provider = "cpu" } = options;
  const kernels = KERNELS[provider];
  const writesInto = await kernels.writesInto(runtime);
  const quirks = options.quirks ?? (await kernels.quirks(runtime));
  let prepared = isFolded ? undefined : await fedModel(parts, isTraining, quirks, options);
  let version = store.version;

  return {
    async run(feeds) {
      checkFeeds(parts.name, program, feeds);
      if (prepared === undefined || (isFolded && version !== store.version)) {
        await prepared?.session.release();
        prepared = undefined;
        version = store.version;
        prepared = await foldedModel(parts, quirks, options);
      }
      const results = await execute(parts, prepared, feeds, runtime, writesInto);
      assertFinite(results, program.finite);
      parts.update.run(feeds, results);
      return Object.fromEntries(parts.returned.map((output) => [output, results[output]!]));
    },
    release: async () => prepared?.session.release(),
  };
}

async function fedModel(
  { name, graph, update }: ProgramParts,
  isTraining: boolean,
  quirks: Quirks,
  options: ProgramOptions,
): Promise<Prepared> {
  const { runtime, provider = "cpu" } = options;
  const { model, ...ends } = toOnnxModel(graph, {
    name,
    fusions: await KERNELS[provider].fusions(runtime),
    flat: new Set(update.staged.keys()),
    quirks,
  });
  const settings = sessionOptions(isTraining ? "training" : "inference", options, onProcessor(model, quirks));
  const ordered = { ...model, graph: gradientsAsTheyCome(model.graph) };
  return { ...ends, session: await ModelSession.load(runtime, `program ${name}`, ordered, settings) };
}

async function foldedModel(
  { name, graph, program, store }: ProgramParts,
  quirks: Quirks,
  options: ProgramOptions,
): Promise<Prepared> {
  const state = Object.fromEntries(
    Object.entries(program.reads).map(([input, stateName]) => [input, store.get(stateName)]),
  );
  const { model, ...ends } = toOnnxModel(graph, {
    name,
    initializers: state,
    fusions: inferenceFusions(graph, state),
    quirks,
  });
  const settings = sessionOptions("inference", options, onProcessor(model, quirks));
  return { ...ends, session: await ModelSession.load(options.runtime, `program ${name}`, model, settings) };
}

/** Names of the nodes that a device would botch. */
const onProcessor = ({ graph }: ModelProto, quirks: Quirks) =>
  graph.node.filter(({ opType }) => quirks.onProcessor.has(opType as OnnxOperator)).map(({ name }) => name);

/** Runs the model; staged outputs land in their place, all others are returned. */
async function execute(
  { program, graph, store, update }: ProgramParts,
  { session, inputs, outputs, extents }: Prepared,
  feeds: Tensors,
  runtime: OnnxRuntime,
  writesInto: boolean,
): Promise<Record<string, TensorData>> {
  const tensors: Record<string, Tensor> = {};
  for (const input of inputs) {
    const stateName = program.reads[input];
    tensors[input] = toRuntime(runtime, stateName === undefined ? feeds[input]! : store.get(stateName));
  }
  const fetches: Record<string, Tensor | null> = {};
  for (const [output, onnxName] of Object.entries(outputs)) {
    const staged = writesInto ? update.staged.get(output) : undefined;
    fetches[onnxName] = staged === undefined ? null : toRuntime(runtime, withShape(staged, extents[output] as Shape));
  }
  const fetched = await session.run(tensors, fetches);
  const copies: ArrayBufferView[] = [];
  const results: Record<string, TensorData> = {};
  for (const [output, onnxName] of Object.entries(outputs)) {
    const staged = update.staged.get(output);
    if (staged !== undefined && writesInto) {
      // onnxruntime-node returns a copy of what it has written
      const { data } = fetched[onnxName]!;
      if (ArrayBuffer.isView(data) && data.buffer !== staged.data.buffer) copies.push(data);
      continue;
    }
    const result = fromRuntime(output, fetched[onnxName]!, graph.types[graph.outputs[output]!]!);
    if (staged === undefined) results[output] = result;
    else staged.data.set(result.data);
  }
  discard(copies);
  return results;
}

const withShape = ({ type, data }: TensorData, shape: Shape): TensorData => ({ type: { ...type, shape }, data });

import type { Tensors } from "asl-core";
import { encodeModel } from "../proto/encode.js";
import { DATA_TYPE, type ModelProto } from "../proto/messages.js";
import { type OpenOptions, openOnnxModel } from "../runtime/open-model.js";
import { type CalibrationMethod, ValueStatistics } from "./ranges.js";

export interface CalibrateOptions extends OpenOptions {
  readonly model: ModelProto;
  /** What is measured. */
  readonly values: Iterable<string>;
  /** Starts a pass over the calibration pictures: the same each time. */
  readonly pictures: () => AsyncIterable<Tensors>;
  readonly method: CalibrationMethod;
  readonly onBatch: (rows: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Passes over the pictures that a method takes. */
export const passesOf = (method: CalibrationMethod): number => (method === "minmax" ? 1 : 2);

/** Pictures of a batch. */
export const rowsOf = (feeds: Tensors): number => Object.values(feeds)[0]!.type.shape[0]!;

/** Runs the float model with the values as outputs of their own. */
export async function calibrate(options: CalibrateOptions): Promise<ReadonlyMap<string, ValueStatistics>> {
  const { model, values, pictures, method, onBatch, signal } = options;
  const statistics = new Map([...values].map((value) => [value, new ValueStatistics(value)]));
  const inputs = new Set(model.graph.input.map(({ name }) => name));
  await using session = await openOnnxModel(encodeModel(withOutputs(model, statistics.keys(), inputs)), options);
  for (let pass = 0; pass < passesOf(method); pass++) {
    for await (const feeds of pictures()) {
      signal?.throwIfAborted();
      const found = await session.run(feeds);
      for (const [value, each] of statistics) {
        const { data, type } = (inputs.has(value) ? feeds : found)[value]!;
        if (pass === 0) each.observe(data, type.shape);
        else each.count(data);
      }
      onBatch(rowsOf(feeds));
    }
  }
  return statistics;
}

function withOutputs(model: ModelProto, values: Iterable<string>, inputs: ReadonlySet<string>): ModelProto {
  const { graph } = model;
  const known = new Set([...inputs, ...graph.output.map(({ name }) => name)]);
  const more = [...values]
    .filter((name) => !known.has(name))
    .map((name) => ({ name, type: { tensorType: { elemType: DATA_TYPE.float } } }));
  return { ...model, graph: { ...graph, output: [...graph.output, ...more] } };
}

import type { Value } from "../graph/builder.js";
import type { StateSpec } from "../state/spec.js";

/** `train`: batch statistics, running ones updated; `eval`: running statistics. */
export type Mode = "train" | "eval";

/** State tensors as values of one graph, by state name. */
export type StateValues = Readonly<Record<string, Value>>;

export interface ModelOutput {
  /** [batch, classes]. */
  readonly logits: Value;
  /** New values of buffers (running statistics); empty in mode `eval`. */
  readonly updates: StateValues;
  /** The output of each stage by name, for inspection: "body.layer1", "embedding", ... */
  readonly stages: StateValues;
}

/** A network as state and a function that adds it to a graph. */
export interface Model {
  readonly classes: number;
  /** Parameters and buffers, by their PyTorch names. */
  readonly state: StateSpec;
  /** images: [batch, 3, height, width] in [0, 1]. */
  apply(images: Value, state: StateValues, mode: Mode): ModelOutput;
}

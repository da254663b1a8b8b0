import { add, mul } from "../functions/elementwise.js";
import type { Builder, Value } from "../graph/builder.js";
import type { StateEntry, StateSpec } from "../state/spec.js";
import { scalar, type Tensors } from "../types/tensor.js";

/** State name of the exponential moving average of a parameter or buffer. */
export const emaName = (name: string) => `ema.${name}`;

export interface EmaInputs {
  readonly decay: Value;
  readonly oneMinusDecay: Value;
}

const SCALAR = { dtype: "f32", shape: [] } as const;

export function emaInputs(builder: Builder): EmaInputs {
  return { decay: builder.input("ema.decay", SCALAR), oneMinusDecay: builder.input("ema.one_minus_decay", SCALAR) };
}

/** The feeds of `emaInputs`. */
export function emaFeeds(decay: number): Tensors {
  return { "ema.decay": scalar(decay), "ema.one_minus_decay": scalar(1 - decay) };
}

/** A copy of every parameter and buffer; starts equal to it. */
export function emaSlots(state: StateSpec): StateSpec {
  return Object.fromEntries(
    Object.entries(state).map(([name, { type }]): [string, StateEntry] => [
      emaName(name),
      { type, role: "slot", init: { kind: "copy", of: name } },
    ]),
  );
}

/** average <- decay average + (1 - decay) value, after the optimizer's step, running statistics included. */
export const emaStep = (average: Value, value: Value, { decay, oneMinusDecay }: EmaInputs) =>
  add(mul(average, decay), mul(value, oneMinusDecay));

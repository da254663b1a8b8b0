import { GraphError } from "../errors/errors.js";
import type { Value } from "../graph/builder.js";
import type { Init, StateEntry, StateRole, StateSpec } from "../state/spec.js";
import type { Shape } from "../types/tensor.js";
import type { StateValues } from "./model.js";

/** Where layers get their tensors by name. The same layer code declares its state once and reads it afterwards. */
export class StateReader {
  readonly updates: Record<string, Value> = {};

  constructor(readonly values: StateValues) {}

  get(name: string): Value {
    const value = this.values[name];
    if (value === undefined) throw new GraphError(`state "${name}" was not given to the model`);
    return value;
  }
}

/** Collects the state that layers declare. */
export class StateDeclaration {
  readonly #entries: Record<string, StateEntry> = {};

  declare(name: string, shape: Shape, init: Init, role: StateRole = "parameter"): void {
    if (Object.hasOwn(this.#entries, name)) throw new GraphError(`state "${name}" is declared twice`);
    this.#entries[name] = { type: { dtype: "f32", shape }, role, init };
  }

  get spec(): StateSpec {
    return this.#entries;
  }
}

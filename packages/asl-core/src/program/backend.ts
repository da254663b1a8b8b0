import type { Graph } from "../graph/graph.js";
import type { StateSpec } from "../state/spec.js";
import type { Tensors } from "../types/tensor.js";

/**
 * A pure step. Graph inputs are fed by state (`reads`: input name -> state name) or by the caller (all others).
 * After a run, `writes` (output name -> state name) replace state; all other outputs return to the caller.
 * Outputs in `finite` are checked before any state is written: NaN or an infinity throws NonFiniteError.
 */
export interface Program {
  readonly graph: Graph;
  readonly reads: Readonly<Record<string, string>>;
  readonly writes: Readonly<Record<string, string>>;
  readonly finite: readonly string[];
}

/** All that a backend implements. Programs compiled together share one state on the device. */
export interface Backend {
  readonly name: string;
  /** Reserves the state (zero-filled until `write`) and prepares the programs. */
  compile<P extends string>(state: StateSpec, programs: Readonly<Record<P, Program>>): Promise<Session<P>>;
}

/** Calls take effect in the order in which they are made; the next one may be made before the one before has ended. */
export interface Session<P extends string = string> extends AsyncDisposable {
  /** Runs one step; returns the outputs that are not written to state. Throws InputError for feeds that do not fit. */
  run(program: P, feeds: Tensors): Promise<Tensors>;
  /** Copies of state tensors (all, when no names are given). */
  read(names?: readonly string[]): Promise<Tensors>;
  /** Replaces state tensors. Throws InputError for an unknown name or another type. */
  write(state: Tensors): Promise<void>;
}

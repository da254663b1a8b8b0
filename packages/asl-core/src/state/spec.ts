import type { TensorType } from "../types/tensor.js";

/** How a state tensor starts. Normal draws are seeded per name; see `initialize`. */
export type Init =
  | { readonly kind: "zeros" }
  | { readonly kind: "ones" }
  /** N(0, std^2). */
  | { readonly kind: "normal"; readonly std: number }
  /** U(-bound, bound). */
  | { readonly kind: "uniform"; readonly bound: number }
  /** The value of another state tensor (an EMA starts at its parameter). */
  | { readonly kind: "copy"; readonly of: string };

/** `parameter`: trained; `buffer`: running statistics; `slot`: optimizer and EMA state. */
export type StateRole = "parameter" | "buffer" | "slot";

export interface StateEntry {
  readonly type: TensorType;
  readonly role: StateRole;
  readonly init: Init;
}

/** What a session keeps on the device, by name. */
export type StateSpec = Readonly<Record<string, StateEntry>>;

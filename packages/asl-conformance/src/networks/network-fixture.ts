import type { DType, GraphJson, TensorJson, Tensors } from "asl-core";
import type { Provenance } from "../fixture.js";

/** A tensor of a case: written out, or in a safetensors file beside the case's own; `row`: x[row] along its first axis. */
export type TensorReference =
  | TensorJson
  | { readonly file: string; readonly tensor: string; readonly row?: number | undefined };

/**
 * What tensors must be, within `limit` as a relative error of each tensor:
 * - `largest`: max |actual - expected| / max |expected|
 * - `norm`: |actual - expected| / |expected| in the Euclidean norm; a tensor of zeros must stay zeros
 */
export interface Expectation {
  readonly measure: "largest" | "norm";
  readonly limit: number;
  /** By output or state name. */
  readonly tensors?: Readonly<Record<string, TensorReference>>;
  /** All tensors of this safetensors file, each under `prefix` and its name. */
  readonly file?: string;
  readonly prefix?: string;
}

export interface NetworkStepJson {
  readonly inputs: Readonly<Record<string, TensorReference>>;
  /** Outputs of this step. */
  readonly expected: readonly Expectation[];
}

/** A program over a network's state: `model` runs it once, `training` step by step and then reads the state. */
export interface NetworkCaseJson {
  /** Unique; "training/tresnet_tiny". */
  readonly name: string;
  readonly kind: "model" | "training";
  readonly state: Readonly<Record<string, { readonly dtype: DType; readonly shape: readonly number[] }>>;
  /** What is written before the first step, each tensor under `prefix` and its name; everything else is 0. */
  readonly start: readonly { readonly file: string; readonly prefix: string }[];
  readonly program: {
    readonly graph: GraphJson;
    readonly reads: Readonly<Record<string, string>>;
    readonly writes: Readonly<Record<string, string>>;
    readonly finite: readonly string[];
  };
  readonly steps: readonly NetworkStepJson[];
  /** State after the last step. */
  readonly expectedState: readonly Expectation[];
}

/** fixtures/models/NAME/cases.json. */
export interface NetworkFileJson {
  readonly format: "asl-network-fixtures";
  readonly version: 1;
  readonly provenance: Provenance;
  readonly cases: readonly NetworkCaseJson[];
}

/** A case with what reads the safetensors files beside it. */
export interface NetworkFixture extends NetworkCaseJson {
  readonly readTensors: (file: string) => Promise<Tensors>;
}

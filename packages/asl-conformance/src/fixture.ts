import { type Graph, type GraphJson, graphFromJson, type TensorJson, type Tensors } from "asl-core";
import { tensorFromJson } from "./tensor-json.js";

/**
 * How a case is compared (README, "Three tiers").
 * - `dyadic`: inputs k/8 whose products and sums are exact in float32 in any order: no bit may differ
 * - `exact`: only ops that are exact or correctly rounded (0.5 ULP): no bit may differ
 * - `bounded`: within the error that the contracts of the ops allow, composed over the graph
 * - `official`: whole networks, within the relative error that the file states of the official implementation's numbers
 */
export type Tier = "dyadic" | "exact" | "bounded" | "official";

export const TIERS = ["dyadic", "exact", "bounded", "official"] as const satisfies readonly Tier[];

/** What the inputs of a case are: sums without rounding, random numbers, or the edges of the number format. */
export type FixtureKind = "dyadic" | "random" | "edge";

/** What a case runs: a graph of that kind, a network forward, or a training run. */
export type CaseKind = FixtureKind | "model" | "training";

export interface FixtureCaseJson {
  /** Unique; "conv2d/dyadic-gradient/stride-2". */
  readonly name: string;
  readonly kind: FixtureKind;
  readonly tier: Tier;
  readonly graph: GraphJson;
  readonly inputs: Readonly<Record<string, TensorJson>>;
  /** float32 in the tiers dyadic and exact, the float64 values in the tier bounded. */
  readonly expected: Readonly<Record<string, TensorJson>>;
}

/** Where a file's numbers come from: the script, versions that they depend on, and what else there is to say. */
export type Provenance = {
  readonly script: string;
  readonly versions: string;
  /** SHA-256 of files that came with them. */
  readonly files?: Readonly<Record<string, string>>;
} & { readonly [what: string]: string | Readonly<Record<string, string>> | undefined };

/** One file under fixtures/. */
export interface FixtureFileJson {
  readonly format: "asl-fixtures";
  readonly version: 1;
  /** The op, or what else the cases are about. */
  readonly subject: string;
  readonly provenance: Provenance;
  readonly cases: readonly FixtureCaseJson[];
}

/** A case, ready to run. */
export interface Fixture {
  readonly name: string;
  readonly subject: string;
  readonly kind: FixtureKind;
  readonly tier: Tier;
  readonly graph: Graph;
  readonly inputs: Tensors;
  readonly expected: Tensors;
}

/** The cases of a parsed file. Throws GraphError, naming the case, for graphs and tensors that are none. */
export function fixturesFromJson(file: FixtureFileJson): Fixture[] {
  return file.cases.map(({ name, kind, tier, graph, inputs, expected }) => ({
    name,
    subject: file.subject,
    kind,
    tier,
    graph: graphFromJson(graph),
    inputs: tensorsFromJson(inputs),
    expected: tensorsFromJson(expected),
  }));
}

const tensorsFromJson = (record: Readonly<Record<string, TensorJson>>): Tensors =>
  Object.fromEntries(Object.entries(record).map(([name, json]) => [name, tensorFromJson(json)]));

import { type GraphJson, graphFromJson, graphToJson, type Program, type StateSpec } from "asl-core";
import type { Deviation } from "../report.js";
import type { ErrorJson } from "./errors.js";

/** Raised when ends of different releases no longer understand each other. */
export const PROTOCOL_VERSION = 1;

/** The first message of the serving end: what it serves, or why it cannot. */
export type Greeting =
  | { readonly version: number; readonly name: string; readonly deviations: readonly Deviation[] }
  | { readonly version: number; readonly error: ErrorJson };

/** What the calling end sends; feeds and state travel as the tensors of the frame. Sessions are numbered by the caller. */
export type Request = { readonly id: number; readonly session: number } & (
  | {
      readonly call: "compile";
      readonly state: StateSpec;
      readonly programs: Readonly<Record<string, ProgramJson>>;
    }
  | { readonly call: "run"; readonly program: string }
  | { readonly call: "read"; readonly names?: readonly string[] }
  | { readonly call: "write" }
  | { readonly call: "dispose" }
  /** Nobody holds the session any more. */
  | { readonly call: "forget" }
);

/** The answer to a request: nothing more where it succeeded, results being the tensors of the frame. */
export interface Response {
  readonly id: number;
  readonly error?: ErrorJson;
}

export interface ProgramJson extends Omit<Program, "graph"> {
  readonly graph: GraphJson;
}

export const programToJson = (program: Program): ProgramJson => ({ ...program, graph: graphToJson(program.graph) });
export const programFromJson = (json: ProgramJson): Program => ({ ...json, graph: graphFromJson(json.graph) });

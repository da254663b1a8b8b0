import { InputError } from "../errors/errors.js";
import type { StateSpec } from "../state/spec.js";
import { formatType, sameType, type Tensors, type TensorType } from "../types/tensor.js";
import type { Program } from "./backend.js";

/** Graph inputs that the caller feeds: all that are not read from state. */
export function feedTypes(program: Program): Readonly<Record<string, TensorType>> {
  const types: Record<string, TensorType> = {};
  for (const [name, id] of Object.entries(program.graph.inputs)) {
    if (!Object.hasOwn(program.reads, name)) types[name] = program.graph.types[id]!;
  }
  return types;
}

/** Throws InputError unless `feeds` are exactly what the program takes. */
export function checkFeeds(programName: string, program: Program, feeds: Tensors): void {
  const expected = feedTypes(program);
  for (const [name, type] of Object.entries(expected)) {
    const feed = feeds[name];
    if (feed === undefined) {
      throw new InputError(
        `program ${programName}: feed "${name}" ${formatType(type)} is missing; got ${Object.keys(feeds).join(", ") || "none"}`,
      );
    }
    if (!sameType(type, feed.type)) {
      throw new InputError(
        `program ${programName}: feed "${name}" must be ${formatType(type)}; got ${formatType(feed.type)}`,
      );
    }
  }
  for (const name of Object.keys(feeds)) {
    if (!Object.hasOwn(expected, name)) {
      throw new InputError(
        `program ${programName}: no feed is called "${name}"; it takes ${Object.keys(expected).join(", ")}`,
      );
    }
  }
}

/** Throws InputError for a name that the state does not hold or a tensor of another type. */
export function checkState(spec: StateSpec, state: Tensors): void {
  for (const [name, tensor] of Object.entries(state)) {
    const entry = spec[name];
    if (entry === undefined) throw new InputError(`state "${name}" does not exist in this session`);
    if (!sameType(entry.type, tensor.type)) {
      throw new InputError(`state "${name}" must be ${formatType(entry.type)}; got ${formatType(tensor.type)}`);
    }
  }
}

/** Throws InputError unless every read and write of the program exists in the state with its type. */
export function checkProgram(programName: string, program: Program, spec: StateSpec): void {
  const { graph } = program;
  const check = (kind: string, ends: Readonly<Record<string, number>>, name: string, stateName: string): void => {
    const id = ends[name];
    const entry = spec[stateName];
    if (id === undefined) throw new InputError(`program ${programName}: ${kind} "${name}" is not in its graph`);
    if (entry === undefined)
      throw new InputError(
        `program ${programName}: ${kind} "${name}" names state "${stateName}", which does not exist`,
      );
    const type = graph.types[id]!;
    if (!sameType(type, entry.type)) {
      throw new InputError(
        `program ${programName}: ${kind} "${name}" is ${formatType(type)}; state "${stateName}" is ${formatType(entry.type)}`,
      );
    }
  };
  for (const [input, name] of Object.entries(program.reads)) check("input", graph.inputs, input, name);
  for (const [output, name] of Object.entries(program.writes)) check("output", graph.outputs, output, name);
  for (const name of program.finite) {
    if (graph.outputs[name] === undefined)
      throw new InputError(`program ${programName}: finite output "${name}" is not in its graph`);
  }
}

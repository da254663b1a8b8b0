import path from "node:path";
import { pathToFileURL } from "node:url";
import { type Backend, InputError } from "asl-core";
import type { Deviation } from "../report.js";
import type { Candidate } from "./backends.js";

/**
 * A module of somebody else: its default export is a Backend or a function that makes one; `deviations`, if it exports
 * any, are the cases that it is known to fail. Throws InputError, naming the file, for anything else.
 */
export async function loadAdapter(file: string): Promise<Candidate> {
  const module = await imported(file);
  const exported = module.default;
  const backend: unknown = typeof exported === "function" ? await (exported as () => unknown)() : exported;
  if (!isBackend(backend)) {
    throw new InputError(`${file}: the default export must be a Backend or a function that makes one (name, compile)`);
  }
  return {
    name: backend.name,
    family: backend.name,
    argument: file,
    deviations: deviationsOf(file, module.deviations),
    open: async () => backend,
  };
}

async function imported(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(path.resolve(file)).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new InputError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function isBackend(value: unknown): value is Backend {
  const { name, compile } = (value ?? {}) as Partial<Backend>;
  return typeof name === "string" && typeof compile === "function";
}

function deviationsOf(file: string, value: unknown): readonly Deviation[] {
  if (value === undefined) return [];
  const isDeviation = (each: unknown): each is Deviation => {
    const { case: name, reason } = (each ?? {}) as Partial<Deviation>;
    return typeof name === "string" && typeof reason === "string" && reason !== "";
  };
  if (!Array.isArray(value) || !value.every(isDeviation)) {
    throw new InputError(`${file}: deviations must be a list of { case, reason }`);
  }
  return value;
}

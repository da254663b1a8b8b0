import { type Backend, InputError } from "asl-core";
import type { Metrics } from "./parts/metrics.js";
import type { Preprocessing } from "./parts/preprocessing.js";
import type { Deviation } from "./report.js";

/** What an adapter's module exports. */
export interface Adapter {
  readonly backend: Backend;
  readonly deviations: readonly Deviation[];
}

/**
 * A module's default export is a Backend or a function that makes one; `deviations`, if it exports any, are the cases
 * that it is known to fail. Throws InputError, naming the file, for anything else.
 */
export async function adapterOf(file: string, module: Readonly<Record<string, unknown>>): Promise<Adapter> {
  const exported = module.default;
  const backend: unknown = typeof exported === "function" ? await (exported as () => unknown)() : exported;
  if (!isBackend(backend)) {
    throw new InputError(`${file}: the default export must be a Backend or a function that makes one (name, compile)`);
  }
  return { backend, deviations: deviationsOf(file, module.deviations) };
}

function isBackend(value: unknown): value is Backend {
  const { name, compile } = (value ?? {}) as Partial<Backend>;
  return typeof name === "string" && typeof compile === "function";
}

export function deviationsOf(file: string, value: unknown): readonly Deviation[] {
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

/** Somebody's metrics or preprocessing, whole or some of its functions. */
export interface Parts {
  readonly metrics?: Partial<Metrics>;
  readonly preprocess?: Partial<Preprocessing>;
}

/** What a module exports as `metrics` and `preprocess`. Throws InputError, naming the file, for other than functions. */
export function partsOf(file: string, { metrics, preprocess }: Readonly<Record<string, unknown>>): Parts {
  for (const [name, value] of Object.entries({ metrics, preprocess })) {
    if (value === undefined || (typeof value === "object" && value !== null)) continue;
    throw new InputError(`${file}: ${name} must be an object of functions; got ${typeof value}`);
  }
  return { ...(metrics ? { metrics } : {}), ...(preprocess ? { preprocess } : {}) };
}

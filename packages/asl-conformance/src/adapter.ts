import { type Backend, InputError } from "asl-core";
import type { Metrics } from "./parts/metrics.js";
import { PART_NAMES, partOf } from "./parts/part-name.js";
import type { Preprocessing } from "./parts/preprocessing.js";
import type { Deviation } from "./report.js";

/** Somebody's metrics or preprocessing, whole or some of its functions. */
export interface Parts {
  readonly metrics?: Partial<Metrics>;
  readonly preprocess?: Partial<Preprocessing>;
}

/** What an adapter's module exports: a backend, parts, or both. */
export interface Adapter extends Parts {
  readonly backend?: Backend;
  readonly deviations: readonly Deviation[];
}

type Module = Readonly<Record<string, unknown>>;

/**
 * A module's default export is a Backend or a function that makes one, which may be left out where it exports `metrics`
 * or `preprocess`; `deviations`, if it exports any, are the cases of these that it is known to fail. Throws InputError,
 * naming the file, for anything else.
 */
export async function adapterOf(file: string, module: Module): Promise<Adapter> {
  const parts = partsOf(file, module);
  const isOfParts = module.default === undefined && Object.keys(parts).length > 0;
  const backend = isOfParts ? {} : { backend: await backendOf(file, module) };
  const deviations = deviationsOf(file, module.deviations);
  const exported = { ...parts, ...backend };
  const stray = deviations.find((each) => exported[partOf(each.case) ?? "backend"] === undefined);
  if (stray !== undefined) {
    const missing = partOf(stray.case) ?? "backend (default export)";
    throw new InputError(`${file}: a deviation names ${stray.case}, but the module exports no ${missing}`);
  }
  return { ...exported, deviations };
}

async function backendOf(file: string, { default: exported }: Module): Promise<Backend> {
  const backend: unknown = typeof exported === "function" ? await (exported as () => unknown)() : exported;
  const { name, compile } = (backend ?? {}) as Partial<Backend>;
  if (typeof name === "string" && typeof compile === "function") return backend as Backend;
  throw new InputError(`${file}: the default export must be a Backend or a function that makes one (name, compile)`);
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

function partsOf(file: string, module: Module): Parts {
  const exported = PART_NAMES.filter((name) => module[name] !== undefined).map((name) => [name, module[name]] as const);
  for (const [name, value] of exported) {
    if (typeof value === "object" && value !== null) continue;
    throw new InputError(
      `${file}: ${name} must be an object of functions; got ${value === null ? null : typeof value}`,
    );
  }
  return Object.fromEntries(exported) as Parts;
}

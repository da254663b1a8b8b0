import path from "node:path";
import { pathToFileURL } from "node:url";
import { InputError } from "asl-core";
import { adapterOf, deviationsOf, partsOf } from "../adapter.js";
import type { Hosts } from "../hosts/hosts.js";
import type { Deviation } from "../report.js";
import type { Candidate } from "./backends.js";
import type { PartsCandidate } from "./parts.js";

/** What a module brings: a backend, metrics, preprocessing, or several of them. */
export interface LoadedAdapter {
  readonly candidate?: Candidate;
  readonly parts?: PartsCandidate;
}

/** A module of somebody else. Throws InputError, naming the file, for one that is no adapter. */
export async function loadAdapter(file: string): Promise<LoadedAdapter> {
  const module = await imported(file);
  const parts = partsOf(file, module);
  const hasParts = Object.keys(parts).length > 0;
  const all = deviationsOf(file, module.deviations);
  const isOfParts = ({ case: name }: Deviation) => /^(metrics|preprocess)\//.test(name);
  const named = (name: string): PartsCandidate => ({
    ...parts,
    name,
    argument: file,
    deviations: all.filter(isOfParts),
  });
  if (hasParts && module.default === undefined) return { parts: named(path.basename(file).replace(/\.[^.]*$/, "")) };
  const { backend } = await adapterOf(file, module);
  const { name } = backend;
  const deviations = hasParts ? all.filter((each) => !isOfParts(each)) : all;
  return {
    candidate: { name, family: name, argument: file, deviations, open: async () => backend },
    ...(hasParts ? { parts: named(name) } : {}),
  };
}

/** The backend of a module that is bundled and runs in Chromium. */
export async function loadBrowserAdapter(file: string, hosts: Hosts): Promise<LoadedAdapter> {
  const backend = await hosts.chromium({ specifier: path.resolve(file) });
  const { name, deviations } = backend;
  const argument = `${file} --browser`;
  return { candidate: { name, family: name, argument, deviations, open: async () => backend } };
}

async function imported(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(path.resolve(file)).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new InputError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

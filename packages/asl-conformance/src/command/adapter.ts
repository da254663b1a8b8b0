import path from "node:path";
import { pathToFileURL } from "node:url";
import { InputError } from "asl-core";
import { adapterOf } from "../adapter.js";
import type { Hosts } from "../hosts/hosts.js";
import { partOf } from "../parts/part-name.js";
import type { Candidate } from "./backends.js";
import type { PartsCandidate } from "./parts.js";

/** What a module brings: a backend, metrics, preprocessing, or several of them. */
export interface LoadedAdapter {
  readonly candidate?: Candidate;
  readonly parts?: PartsCandidate;
}

/** A module of somebody else. Throws InputError, naming the file, for one that is no adapter. */
export async function loadAdapter(file: string): Promise<LoadedAdapter> {
  const { backend, deviations: all, ...parts } = await adapterOf(file, await imported(file));
  const name = backend?.name ?? path.basename(file).replace(/\.[^.]*$/, "");
  const common = { name, argument: file };
  const deviations = all.filter((each) => partOf(each.case) === undefined);
  const ofParts = all.filter((each) => partOf(each.case) !== undefined);
  return {
    ...(backend ? { candidate: { ...common, family: name, deviations, open: async () => backend } } : {}),
    ...(Object.keys(parts).length > 0 ? { parts: { ...common, ...parts, deviations: ofParts } } : {}),
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

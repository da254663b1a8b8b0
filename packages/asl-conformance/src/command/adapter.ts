import path from "node:path";
import { pathToFileURL } from "node:url";
import { InputError } from "asl-core";
import { adapterOf } from "../adapter.js";
import type { Hosts } from "../hosts/hosts.js";
import type { Candidate } from "./backends.js";

/** A module of somebody else. Throws InputError, naming the file, for one that is no adapter. */
export async function loadAdapter(file: string): Promise<Candidate> {
  const { backend, deviations } = await adapterOf(file, await imported(file));
  return { name: backend.name, family: backend.name, argument: file, deviations, open: async () => backend };
}

/** The same for a module that is bundled and runs in Chromium. */
export async function loadBrowserAdapter(file: string, hosts: Hosts): Promise<Candidate> {
  const backend = await hosts.chromium({ specifier: path.resolve(file) });
  const { name, deviations } = backend;
  return { name, family: name, argument: `${file} --browser`, deviations, open: async () => backend };
}

async function imported(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(path.resolve(file)).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new InputError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

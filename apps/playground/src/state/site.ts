import { signal } from "@preact/signals";
import { loadModel } from "./model.js";

/** What the site offers beside the page (site.json, written by the build). */
export interface Site {
  readonly demoModel: boolean;
  readonly fixtures: readonly string[];
}

/** Null until it is known. */
export const site = signal<Site | null>(null);

export async function readSite(): Promise<void> {
  try {
    site.value = await fetchJson<Site>("site.json");
  } catch {
    site.value = { demoModel: false, fixtures: [] };
  }
}

/** A file of the site, by its path in it. Throws an Error in words. */
export async function fetchFile(path: string): Promise<Response> {
  const response = await fetch(new URL(path, document.baseURI));
  if (!response.ok) throw new Error(`${path} could not be fetched (${response.status} ${response.statusText})`);
  return response;
}

export const fetchJson = async <T>(path: string): Promise<T> => (await (await fetchFile(path)).json()) as T;

export const loadDemoModel = () =>
  loadModel("demo-model.safetensors", async () => (await fetchFile("demo-model.safetensors")).arrayBuffer());

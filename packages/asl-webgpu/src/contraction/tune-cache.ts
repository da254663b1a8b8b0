import { InputError } from "asl-core";
import type { Tile } from "./tuning.js";

/**
 * Tiles that were measured, by adapter and contraction. Plain JSON: the caller keeps it, in a file or in the browser's
 * storage.
 */
export type TuneCache = Record<string, Record<string, Tile>>;

/** What an adapter says that it is. */
export function adapterName({ adapterInfo }: Partial<Pick<GPUDevice, "adapterInfo">>): string {
  const { vendor = "", architecture = "", device = "", description = "" } = adapterInfo ?? {};
  const parts = [vendor, architecture, device, description].filter((part) => part !== "");
  return parts.length === 0 ? "unknown adapter" : parts.join(" ");
}

/** An adapter's tiles of a cache that may come from anywhere. Throws InputError, naming the first that is no tile. */
export function requireTiles(cache: TuneCache, adapter: string): Readonly<Record<string, Tile>> {
  const tiles: unknown = Object.hasOwn(cache, adapter) ? cache[adapter] : {};
  if (typeof tiles !== "object" || tiles === null) {
    throw new InputError(`webgpu: tiles of "${adapter}" must be an object of tiles; got ${JSON.stringify(tiles)}`);
  }
  for (const [key, tile] of Object.entries(tiles)) {
    if (isTile(tile)) continue;
    throw new InputError(
      `webgpu: the tile of "${key}" on "${adapter}" must have from, threads, rows, columns and splits as the autotuner ` +
        `writes them; got ${JSON.stringify(tile)}. Remove it to have it measured again`,
    );
  }
  return tiles as Readonly<Record<string, Tile>>;
}

const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 1;

function isTile(value: unknown): value is Tile {
  const { from, threads, rows, columns, splits, transposed, terms } = (value ?? {}) as Record<string, unknown>;
  return (
    ["buffers", "quads", "workgroup"].includes(from as string) &&
    Array.isArray(threads) &&
    threads.length === 2 &&
    [...threads, rows, columns, splits].every(isCount) &&
    (transposed === undefined || typeof transposed === "boolean") &&
    (terms === undefined || isCount(terms))
  );
}

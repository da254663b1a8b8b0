import type { Program } from "asl-core";
import { adapterName, requireTiles, type Tile, type TuneCache, tuneContraction } from "../contraction/index.js";
import { contractionsOf } from "../plan/contractions.js";
import type { Storage } from "../plan/half-storage.js";
import type { Device } from "./device.js";

export interface Tiles {
  /** Used as they are. */
  readonly pinned?: TuneCache | undefined;
  /** Used, and completed by measuring. */
  readonly tuned?: TuneCache | undefined;
}

/** The tiles that are known for a device; the pinned ones first. */
export function knownTiles({ gpu }: Device, { pinned = {}, tuned = {} }: Tiles): Record<string, Tile> {
  const adapter = adapterName(gpu);
  return { ...requireTiles(tuned, adapter), ...requireTiles(pinned, adapter) };
}

/** Measures what the programs contract and no tile is known for, and writes the fastest tiles into the cache. */
export async function tunePrograms(
  device: Device,
  programs: readonly Program[],
  { pinned, tuned, storage }: Tiles & { readonly tuned: TuneCache; readonly storage?: Storage | undefined },
  onContraction: (done: number, total: number) => void,
): Promise<void> {
  const adapter = adapterName(device.gpu);
  const known = knownTiles(device, { pinned, tuned });
  const uses = new Map(programs.flatMap((program) => [...contractionsOf(program, storage)]));
  const missing = [...uses].filter(([key]) => !Object.hasOwn(known, key));
  for (const [i, [key, { node, types }]] of missing.entries()) {
    const doing = `measuring tiles for ${key}`;
    device.requireAlive(doing);
    try {
      const found = await tuneContraction(device.gpu, node, types);
      device.requireAlive(doing);
      if (found !== undefined) tuned[adapter] = { ...tuned[adapter], [key]: found.tile };
    } catch (error) {
      throw await device.causeOf(error, doing);
    }
    onContraction(i + 1, missing.length);
  }
}

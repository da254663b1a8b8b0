import type { Tensors } from "asl-core";
import { CheckpointError } from "../errors.js";
import type { WeightsKind } from "../pth/state-dict.js";

/** The first weight of a TResNet, official and timm: whatever stands before it is a wrapper's prefix. */
const ANCHORS = ["body.conv1.0.weight", "body.conv1.conv.weight"];
const EMA_PREFIX = /(?:^|[._])ema(?:[._]|$)/;

export interface Unwrapped {
  readonly tensors: Tensors;
  readonly notes: readonly string[];
}

/**
 * Takes off what DataParallel ("module."), torch.compile ("_orig_mod.") or a training class ("model.") put before every
 * name. Where a file holds the network twice, `weights` chooses: the prefix that says "ema", or the shortest other.
 */
export function unwrap(file: string, tensors: Tensors, weights: WeightsKind | "any"): Unwrapped {
  const names = Object.keys(tensors);
  const prefixes = names.flatMap((name) =>
    ANCHORS.filter((anchor) => name === anchor || name.endsWith(`.${anchor}`)).map((anchor) =>
      name.slice(0, -anchor.length),
    ),
  );
  const suitable = prefixes.filter((prefix) => weights === "any" || EMA_PREFIX.test(prefix) === (weights === "ema"));
  if (prefixes.length > 0 && suitable.length === 0) {
    throw new CheckpointError(file, `holds no ${weights} weights; it has networks at ${shown(prefixes)}`);
  }
  const prefix = suitable.sort((a, b) => a.length - b.length)[0] ?? commonModulePrefix(names);
  if (prefix === "") return { tensors, notes: [] };
  const kept = names.filter((name) => name.startsWith(prefix));
  const left = names.filter((name) => !name.startsWith(prefix));
  const notes = [`the names begin with "${prefix}", which was taken off`];
  if (left.length > 0) notes.push(`${left.length} tensors outside "${prefix}" were left out: ${shown(left)}`);
  return {
    tensors: Object.fromEntries(kept.map((name) => [name.slice(prefix.length), tensors[name]!])),
    notes,
  };
}

function commonModulePrefix(names: readonly string[]): string {
  return names.length > 0 && names.every((name) => name.startsWith("module.")) ? "module." : "";
}

function shown(names: readonly string[]): string {
  const quoted = names.slice(0, 3).map((name) => `"${name}"`);
  return `${quoted.join(", ")}${names.length > 3 ? ", ..." : ""}`;
}

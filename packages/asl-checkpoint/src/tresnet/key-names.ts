/** How a file names the layers of a TResNet. */
export type KeyScheme = "official" | "timm";

/** Layers of which block hold the anti-aliasing filter, and with it one more level of names in the official scheme. */
const BLOCK_CONV = /^(body\.layer([1-4])\.(\d+)\.conv([1-3]))\./;

/** A convolution with its batch norm in timm's names. */
const TIMM_UNIT = /^(body\.conv1|body\.layer[1-4]\.\d+\.(?:conv[1-3]|downsample\.[01]))\.(conv|bn)\.(\w+)$/;
const OFFICIAL_UNIT = /^(body\.conv1|body\.layer[1-4]\.\d+\.(?:conv[1-3]|downsample\.[01]))\.(?:0\.)?([01])\.(\w+)$/;

/** Which scheme a set of names is in; null when it has neither's stem. */
export function keySchemeOf(names: Iterable<string>): KeyScheme | "mixed" | null {
  let official = false;
  let timm = false;
  for (const name of names) {
    timm ||= TIMM_UNIT.test(name);
    official ||= OFFICIAL_UNIT.test(name);
  }
  if (official && timm) return "mixed";
  return official ? "official" : timm ? "timm" : null;
}

/** Blocks that have a third convolution, as `layer3.0`: in a set of names of either scheme. */
export function bottleneckBlocks(names: Iterable<string>): ReadonlySet<string> {
  const blocks = new Set<string>();
  for (const name of names) {
    const match = /^body\.(layer[1-4]\.\d+)\.conv3\./.exec(name);
    if (match !== null) blocks.add(match[1]!);
  }
  return blocks;
}

/**
 * timm's name -> official name. `X.conv.weight` -> `X.0.weight`, `X.bn.bias` -> `X.1.bias`; where a blur-pool follows
 * (the strided convolution of the first block of layers 2 to 4: conv1 of a basic block, conv2 of a bottleneck) the
 * pair sits one level deeper: `X.0.0.weight`. Every other name is the same in both.
 */
export function toOfficialName(name: string, bottlenecks: ReadonlySet<string>): string {
  const match = TIMM_UNIT.exec(name);
  if (match === null) return name;
  const [, unit = "", part, leaf = ""] = match;
  const place = part === "conv" ? "0" : "1";
  return `${unit}.${isFollowedByBlur(name, bottlenecks) ? "0." : ""}${place}.${leaf}`;
}

/** Official name -> timm's name. */
export function toTimmName(name: string): string {
  const match = OFFICIAL_UNIT.exec(name);
  if (match === null) return name;
  const [, unit = "", place, leaf = ""] = match;
  return `${unit}.${place === "0" ? "conv" : "bn"}.${leaf}`;
}

function isFollowedByBlur(name: string, bottlenecks: ReadonlySet<string>): boolean {
  const match = BLOCK_CONV.exec(name);
  if (match === null) return false;
  const [, , layer, block, conv] = match;
  if (layer === "1" || block !== "0") return false;
  return conv === (bottlenecks.has(`layer${layer}.0`) ? "2" : "1");
}

/**
 * Names that carry no weight of a TResNet: the counter that plain batch norm keeps, and the constant kernel of the
 * blur-pool, which some versions store.
 */
export function isWithoutWeight(name: string): boolean {
  return name.endsWith(".num_batches_tracked") || name.endsWith(".filt");
}

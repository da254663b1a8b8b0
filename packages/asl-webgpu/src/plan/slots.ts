/** A buffer's contents from the step that makes them to the last step that reads them, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface SlotPlan {
  /** The slot of each lifetime. */
  readonly slotOf: readonly number[];
  /** Bytes of each slot: those of its largest tenant. */
  readonly slotBytes: readonly number[];
  /** Sum over all slots. */
  readonly plannedBytes: number;
  /** With a buffer for each. */
  readonly naiveBytes: number;
  /** Largest sum of what is alive at one step: no plan needs less. */
  readonly lowerBoundBytes: number;
}

const overlap = (a: Lifetime, b: Lifetime) => a.first <= b.last && b.first <= a.last;

/**
 * Lifetimes that do not overlap share a slot. The largest are placed first, each into the smallest slot that is free
 * for as long as it lives (greedy by size for shared objects: Pisarchyk and Lee 2020, arXiv 2001.03288).
 */
export function planSlots(lifetimes: readonly Lifetime[]): SlotPlan {
  const order = lifetimes.map((_, i) => i).sort((a, b) => lifetimes[b]!.bytes - lifetimes[a]!.bytes || a - b);
  const slots: { bytes: number; readonly tenants: Lifetime[] }[] = [];
  const slotOf = new Array<number>(lifetimes.length).fill(0);
  for (const i of order) {
    const lifetime = lifetimes[i]!;
    // sorted by size: every slot is large enough, and later ones are smaller
    let chosen = slots.findLastIndex(({ tenants }) => !tenants.some((tenant) => overlap(tenant, lifetime)));
    if (chosen === -1) chosen = slots.push({ bytes: lifetime.bytes, tenants: [] }) - 1;
    slots[chosen]!.tenants.push(lifetime);
    slotOf[i] = chosen;
  }
  const slotBytes = slots.map(({ bytes }) => bytes);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  return {
    slotOf,
    slotBytes,
    plannedBytes: sum(slotBytes),
    naiveBytes: sum(lifetimes.map(({ bytes }) => bytes)),
    lowerBoundBytes: peakOf(lifetimes),
  };
}

function peakOf(lifetimes: readonly Lifetime[]): number {
  const changes = new Map<number, number>();
  const change = (step: number, bytes: number) => changes.set(step, (changes.get(step) ?? 0) + bytes);
  for (const { bytes, first, last } of lifetimes) {
    change(first, bytes);
    change(last + 1, -bytes);
  }
  let live = 0;
  let peak = 0;
  for (const step of [...changes.keys()].sort((a, b) => a - b)) {
    live += changes.get(step)!;
    peak = Math.max(peak, live);
  }
  return peak;
}

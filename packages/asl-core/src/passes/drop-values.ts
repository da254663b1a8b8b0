import type { Dropped, MemoryModel } from "./memory-model.js";

/** More values to drop, and what making them again costs. */
interface Candidate {
  readonly values: readonly number[];
  readonly bytes: number;
  readonly flops: number;
}

/**
 * Values to make again until no step holds more than `target` bytes, or nothing brings that nearer. One by one: what
 * lessens sum (bytes over the target)^2 over all steps most for each floating-point operation that is repeated. Chains of
 * elementwise ops come first, for they cost next to nothing; then contractions, until whole stretches of a network are made
 * again from values between them that stay (as Chen et al. 2016, arXiv 1604.06174, cut a network into segments).
 */
export function dropValues(model: MemoryModel, target: number): Dropped {
  let dropped: Dropped = new Set();
  let excess = excessOf(model, dropped, target);
  while (excess.squares > 0) {
    let best: { readonly dropped: Dropped; readonly excess: Excess; readonly score: number } | undefined;
    // e^2 - (e - b)^2 <= 2 e b
    const scored = candidatesOf(model, dropped).map((candidate) => ({
      candidate,
      most: (2 * candidate.bytes * excess.bytes) / (candidate.flops + 1),
    }));
    for (const { candidate, most } of scored.sort((a, b) => b.most - a.most)) {
      if (best !== undefined && best.score >= most) break;
      const more = new Set([...dropped, ...candidate.values]);
      const left = excessOf(model, more, target);
      const score = (excess.squares - left.squares) / (candidate.flops + 1);
      if (score > (best?.score ?? 0)) best = { dropped: more, excess: left, score };
    }
    if (best === undefined) break;
    ({ dropped, excess } = best);
  }
  return dropped;
}

interface Excess {
  /** Above the target, summed over the steps, and the sum of the squares. */
  readonly bytes: number;
  readonly squares: number;
}

function excessOf(model: MemoryModel, dropped: Dropped, target: number): Excess {
  let [bytes, squares] = [0, 0];
  for (const live of model.liveBytes(dropped)) {
    const over = Math.max(live - target, 0);
    bytes += over;
    squares += over * over;
  }
  return { bytes, squares };
}

/** Each value that waits, with those of its sources that nothing late needs otherwise: the cheap ones, or all. */
function candidatesOf(model: MemoryModel, dropped: Dropped): Candidate[] {
  const waiting = model.waiting(dropped);
  return [...waiting].flatMap((number) => {
    if (dropped.has(number) || model.values[number]!.isPinned) return [];
    const cheap = withSources(model, number, waiting, false);
    const all = withSources(model, number, waiting, true);
    return cheap.values.length === all.values.length ? [cheap] : [cheap, all];
  });
}

function withSources({ values }: MemoryModel, number: number, waiting: Dropped, isWhole: boolean): Candidate {
  const own = values[number]!;
  const found = new Set([number]);
  for (const each of found) {
    for (const source of values[each]!.sources) {
      const { bytes, flops, isPinned } = values[source]!;
      if (waiting.has(source) || isPinned) continue;
      // it costs no more for each byte than the value itself
      const isCheap = flops * own.bytes <= own.flops * bytes;
      if (isWhole || isCheap) found.add(source);
    }
  }
  const sum = (of: "bytes" | "flops") => [...found].reduce((total, each) => total + values[each]![of], 0);
  return { values: [...found], bytes: sum("bytes"), flops: sum("flops") };
}

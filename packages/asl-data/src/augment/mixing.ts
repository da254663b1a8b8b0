import { InputError, type Random } from "asl-core";

/**
 * MixUp (Zhang et al. 2018): each picture of a batch is blended with another one, lambda x + (1 - lambda) x', and so
 * are the targets, which become soft. lambda ~ Beta(alpha, alpha), one per batch.
 */
export interface MixUp {
  readonly kind: "mixUp";
  readonly alpha: number;
}

/**
 * CutMix (Yun et al. 2019) for several labels: a rectangle of 1 - lambda of the area shows the same place of another
 * picture of the batch, lambda ~ Beta(alpha, alpha). Targets: "union" (default) keeps them hard, a class counts when
 * either picture has it; "mixed" weights them by area, as the paper's single label.
 */
export interface CutMix {
  readonly kind: "cutMix";
  readonly alpha: number;
  readonly targets?: "union" | "mixed";
}

/** A step that mixes the pictures of a batch with each other. */
export type MixingStep = MixUp | CutMix;

/** Whether targets between 0 and 1 come out: the loss must then take soft targets. */
export const givesSoftTargets = (step: MixingStep | undefined): boolean =>
  step !== undefined && (step.kind === "mixUp" || step.targets === "mixed");

/** Real rows of a batch: images f32[rows, 3, size, size], targets f32[rows, classes], -1 = not annotated. */
export interface MixableBatch {
  readonly images: Float32Array;
  readonly targets: Float32Array;
  readonly rows: number;
  readonly size: number;
  readonly classes: number;
}

/** Throws InputError for a bad setting. */
export function checkMixing(step: MixingStep): void {
  const { kind, alpha } = step;
  if (kind !== "mixUp" && kind !== "cutMix") {
    throw new InputError(`mixing: unknown step "${String(kind)}"; expected "mixUp" or "cutMix"`);
  }
  if (!(alpha > 0 && alpha <= 100)) throw new InputError(`${kind}: alpha must be above 0, at most 100; got ${alpha}`);
  if (kind === "cutMix" && step.targets !== undefined && step.targets !== "union" && step.targets !== "mixed") {
    throw new InputError(`cutMix: targets must be "union" or "mixed"; got "${String(step.targets)}"`);
  }
}

/** Mixes in place. A batch of one row stays as it is. */
export function mixBatch(batch: MixableBatch, step: MixingStep, random: Random): void {
  const { rows, classes, images, targets, size } = batch;
  if (rows < 2) return;
  const lambda = symmetricBeta(random, step.alpha);
  const partner = partnersOf(rows, random);
  const otherImages = images.slice(0, rows * 3 * size * size);
  const otherTargets = targets.slice(0, rows * classes);
  if (step.kind === "mixUp") {
    blend(images, otherImages, partner, 3 * size * size, lambda);
    combineTargets(targets, otherTargets, partner, classes, (own, other) => lambda * own + (1 - lambda) * other);
    return;
  }
  const kept = pasteRectangle(images, otherImages, partner, size, lambda, random);
  const mixed = step.targets === "mixed";
  combineTargets(targets, otherTargets, partner, classes, (own, other) =>
    mixed ? kept * own + (1 - kept) * other : Math.max(own, other),
  );
}

/** A random cycle through all rows: nobody is mixed with itself. */
function partnersOf(rows: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: rows }, (_, row) => row);
  random.shuffle(order);
  const partner = new Uint32Array(rows);
  order.forEach((row, i) => {
    partner[row] = order[(i + 1) % rows]!;
  });
  return partner;
}

function blend(images: Float32Array, others: Float32Array, partner: Uint32Array, rowSize: number, lambda: number) {
  partner.forEach((other, row) => {
    const [to, from] = [row * rowSize, other * rowSize];
    for (let i = 0; i < rowSize; i++) images[to + i] = lambda * images[to + i]! + (1 - lambda) * others[from + i]!;
  });
}

/** Returns the share of the area that is the picture's own. The rectangle's centre is uniform; the border cuts it off. */
function pasteRectangle(
  images: Float32Array,
  others: Float32Array,
  partner: Uint32Array,
  size: number,
  lambda: number,
  random: Random,
): number {
  const side = Math.floor(size * Math.sqrt(1 - lambda));
  const [x, y] = [random.integer(size), random.integer(size)];
  const [left, top] = [Math.max(0, x - (side >> 1)), Math.max(0, y - (side >> 1))];
  const [right, bottom] = [Math.min(size, x - (side >> 1) + side), Math.min(size, y - (side >> 1) + side)];
  if (right <= left || bottom <= top) return 1;
  partner.forEach((other, row) => {
    for (let channel = 0; channel < 3; channel++) {
      for (let line = top; line < bottom; line++) {
        const to = ((row * 3 + channel) * size + line) * size;
        const from = ((other * 3 + channel) * size + line) * size;
        images.set(others.subarray(from + left, from + right), to + left);
      }
    }
  });
  return 1 - ((right - left) * (bottom - top)) / (size * size);
}

/** What is not annotated (-1) in either stays so, except that a positive decides a union. */
function combineTargets(
  targets: Float32Array,
  others: Float32Array,
  partner: Uint32Array,
  classes: number,
  combine: (own: number, other: number) => number,
): void {
  partner.forEach((row, own) => {
    for (let c = 0; c < classes; c++) {
      const [a, b] = [targets[own * classes + c]!, others[row * classes + c]!];
      const value = combine(Math.max(a, 0), Math.max(b, 0));
      targets[own * classes + c] = (a < 0 || b < 0) && value < 1 ? -1 : value;
    }
  });
}

/**
 * Beta(alpha, alpha), rounded to a multiple of 1/256: what engines' powers differ by does not reach the pixels.
 * X / (X + Y) with X, Y ~ Gamma(alpha).
 */
function symmetricBeta(random: Random, alpha: number): number {
  // two gammas of a tiny alpha may both be too small for a number
  const [x, y] = [gamma(random, alpha), gamma(random, alpha)];
  const share = x + y > 0 ? x / (x + y) : random.uniform();
  return Math.round(share * 256) / 256;
}

/** Marsaglia and Tsang 2000: d v with d = alpha - 1/3, v = (1 + z / sqrt(9 d))^3; alpha < 1 as Gamma(alpha + 1) u^(1/alpha). */
function gamma(random: Random, alpha: number): number {
  if (alpha < 1) return gamma(random, alpha + 1) * random.uniform() ** (1 / alpha);
  const d = alpha - 1 / 3;
  for (;;) {
    const z = random.normal();
    const v = (1 + z / Math.sqrt(9 * d)) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - random.uniform()) < (z * z) / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** `infer` uses bicubic, `validate` and training bilinear; both widen with the scale (antialiased). */
export type ResizeFilter = "bicubic" | "bilinear";

/** A pixel is 8 bits, a weight sum may pass 1 a little (2 bits), the rest of an int32 is the weight's fraction. */
export const FRACTION_BITS = 32 - 8 - 2;

interface Kernel {
  /** Half-width in source pixels at scale 1. */
  readonly support: number;
  readonly weight: (distance: number) => number;
}

export const KERNELS: Readonly<Record<ResizeFilter, Kernel>> = {
  // w(x) = 1 - |x|
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  // Keys' cubic convolution with a = -1/2:
  // w(x) = (a + 2)|x|^3 - (a + 3)|x|^2 + 1 for |x| < 1;  a|x|^3 - 5a|x|^2 + 8a|x| - 4a for |x| < 2
  bicubic: {
    support: 2,
    weight: (x) => {
      const a = -0.5;
      const d = Math.abs(x);
      if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
      if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
      return 0;
    },
  },
};

/** For every output position: the first source position, how many, and their fixed-point weights. */
export interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `weights[position * width + tap]`. */
  readonly weights: Int32Array;
  readonly width: number;
}

const tapsCache = new Map<string, Taps>();

/** Datasets repeat few sizes, so the last taps are kept. */
export function tapsOf(sourceSize: number, targetSize: number, filter: ResizeFilter): Taps {
  const key = `${sourceSize} ${targetSize} ${filter}`;
  let taps = tapsCache.get(key);
  if (taps === undefined) {
    if (tapsCache.size >= 256) tapsCache.clear();
    taps = computeTaps(sourceSize, targetSize, KERNELS[filter]);
    tapsCache.set(key, taps);
  }
  return taps;
}

/**
 * Output position i is centred on c = (i + 1/2) s in the source, s = source / target. Enlarging uses the kernel as it
 * is; shrinking stretches it by s. Weights are those of the pixels' centres, divided by their sum, rounded half away
 * from zero to fixed point.
 */
function computeTaps(sourceSize: number, targetSize: number, kernel: Kernel): Taps {
  const scale = sourceSize / targetSize;
  const stretch = Math.max(scale, 1);
  const support = kernel.support * stretch;
  const width = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(targetSize);
  const count = new Int32Array(targetSize);
  const weights = new Int32Array(targetSize * width);
  const real = new Float64Array(width);
  const inverse = 1 / stretch;
  for (let i = 0; i < targetSize; i++) {
    const centre = (i + 0.5) * scale;
    const from = Math.max(0, Math.trunc(centre - support + 0.5));
    const taken = Math.min(sourceSize, Math.trunc(centre + support + 0.5)) - from;
    let sum = 0;
    for (let tap = 0; tap < taken; tap++) {
      real[tap] = kernel.weight((tap + from - centre + 0.5) * inverse);
      sum += real[tap]!;
    }
    for (let tap = 0; tap < taken; tap++) {
      const scaled = (sum === 0 ? real[tap]! : real[tap]! / sum) * (1 << FRACTION_BITS);
      weights[i * width + tap] = Math.trunc(scaled + (scaled < 0 ? -0.5 : 0.5));
    }
    first[i] = from;
    count[i] = taken;
  }
  return { first, count, weights, width };
}

import type { Picture } from "../parts/picture.js";
import type { Preprocessing, ResizeFilter } from "../parts/preprocessing.js";
import type { PartMutant } from "./part-mutant.js";

/**
 * Resizing by its formula, each decision that an implementation can get wrong as a rule. Output position i is centred on
 * c = (i + offset) s in the source, s = source / target; weights w((j + offset - c) / stretch), divided by their sum, in
 * fixed point; rows, then columns, 8 bits in between.
 */
interface Rules {
  /** Where a pixel's centre is. */
  readonly offset: number;
  /** The kernel is stretched by this when shrinking by `scale`: antialiasing. */
  readonly stretch: (scale: number) => number;
  readonly scale: (source: number, target: number) => number;
  /** a of Keys' cubic convolution. */
  readonly cubic: number;
  readonly filter: (filter: ResizeFilter) => ResizeFilter;
  readonly normalises: boolean;
  /** Of a weight, and of a weight sum. */
  readonly fractionBits: number;
  readonly roundWeight: (scaled: number) => number;
  /** An 8-bit level from a sum with `fractionBits` behind the point. */
  readonly level: (sum: number, unit: number) => number;
  readonly rowsFirst: boolean;
  /** From the channels in memory to those of the result. */
  readonly channels: readonly [number, number, number];
}

const away = (x: number) => Math.trunc(x + (x < 0 ? -0.5 : 0.5));
const clamped = (x: number) => Math.min(255, Math.max(0, x));
const halfEven = (x: number) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

const RIGHT: Rules = {
  offset: 0.5,
  stretch: (scale) => Math.max(scale, 1),
  scale: (source, target) => source / target,
  cubic: -0.5,
  filter: (filter) => filter,
  normalises: true,
  fractionBits: 22,
  roundWeight: away,
  level: (sum, unit) => clamped(Math.floor((sum + unit / 2) / unit)),
  rowsFirst: true,
  channels: [0, 1, 2],
};

const SUPPORT = { bilinear: 1, bicubic: 2 } as const;

const weightOf = (filter: ResizeFilter, a: number, x: number) => {
  const d = Math.abs(x);
  if (filter === "bilinear") return Math.max(0, 1 - d);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
};

interface Taps {
  readonly from: number;
  readonly weights: readonly number[];
}

function tapsOf(source: number, target: number, filter: ResizeFilter, rules: Rules): readonly Taps[] {
  const scale = rules.scale(source, target);
  const stretch = rules.stretch(source / target);
  const support = SUPPORT[filter] * stretch;
  return Array.from({ length: target }, (_, i) => {
    const centre = (i + rules.offset) * scale;
    const from = Math.min(source - 1, Math.max(0, Math.trunc(centre - support + 0.5)));
    const to = Math.max(from + 1, Math.min(source, Math.trunc(centre + support + 0.5)));
    const real = Array.from({ length: to - from }, (_, tap) =>
      weightOf(filter, rules.cubic, (tap + from - centre + rules.offset) / stretch),
    );
    const sum = rules.normalises ? real.reduce((total, weight) => total + weight, 0) : stretch;
    const unit = 2 ** rules.fractionBits;
    return { from, weights: real.map((weight) => rules.roundWeight((weight / (sum === 0 ? 1 : sum)) * unit)) };
  });
}

/** One axis of [outer, length, inner]. */
function resizeAxis(data: Uint8Array, inner: number, length: number, taps: readonly Taps[], rules: Rules): Uint8Array {
  const outer = data.length / (inner * length);
  const unit = 2 ** rules.fractionBits;
  const result = new Uint8Array(outer * taps.length * inner);
  let i = 0;
  for (let o = 0; o < outer; o++) {
    for (const { from, weights } of taps) {
      for (let k = 0; k < inner; k++) {
        const first = (o * length + from) * inner + k;
        result[i++] = rules.level(
          weights.reduce((sum, weight, tap) => sum + weight * data[first + tap * inner]!, 0),
          unit,
        );
      }
    }
  }
  return result;
}

/** The formula under some other rules. */
export function plainResize(changed: Partial<Rules> = {}): Preprocessing["resize"] {
  const rules = { ...RIGHT, ...changed };
  return (picture, width, height, asked) => {
    const filter = rules.filter(asked);
    const rows = ({ data, ...from }: Picture): Picture =>
      width === from.width
        ? { ...from, data }
        : { ...from, width, data: resizeAxis(data, 3, from.width, tapsOf(from.width, width, filter, rules), rules) };
    const columns = ({ data, ...from }: Picture): Picture =>
      height === from.height
        ? { ...from, data }
        : {
            ...from,
            height,
            data: resizeAxis(data, 3 * from.width, from.height, tapsOf(from.height, height, filter, rules), rules),
          };
    const { data } = rules.rowsFirst ? columns(rows(picture)) : rows(columns(picture));
    return { width, height, data: data.map((_, i) => data[i - (i % 3) + rules.channels[i % 3]!]!) };
  };
}

/** f32[3, height, width]; `value` and where it goes. */
export function plainToTensor(
  value: (level: number) => number,
  index: (pixel: number, channel: number, pixels: number) => number,
): Preprocessing["toTensor"] {
  return ({ data, width, height }, target) => {
    for (const [i, level] of data.entries()) {
      target[index(Math.floor(i / 3), i % 3, width * height)] = value(level);
    }
  };
}

const planes = (pixel: number, channel: number, pixels: number) => channel * pixels + pixel;
const unit = (level: number) => level / 255;

const resized = (name: string, mistake: string, rules: Partial<Rules>): PartMutant<Preprocessing> => ({
  name: `resize: ${name}`,
  mistake,
  implementation: { resize: plainResize(rules) },
});

const tensor = (
  name: string,
  mistake: string,
  ...rules: Parameters<typeof plainToTensor>
): PartMutant<Preprocessing> => ({
  name: `tensor: ${name}`,
  mistake,
  implementation: { toTensor: plainToTensor(...rules) },
});

export const PREPROCESSING_MUTANTS: readonly PartMutant<Preprocessing>[] = [
  resized("no antialiasing", "the kernel is not stretched when shrinking", { stretch: () => 1 }),
  resized("pixels at corners", "centres at whole numbers, half a pixel off", { offset: 0 }),
  resized("corners aligned", "s = (source - 1) / (target - 1)", {
    scale: (source, target) => (source - 1) / Math.max(1, target - 1),
  }),
  resized("a = -0.75", "OpenCV's cubic kernel", { cubic: -0.75 }),
  resized("bilinear for bicubic", "the other filter", { filter: () => "bilinear" }),
  resized("weights not normalised", "at edges they add up to less than 1", { normalises: false }),
  resized("weights in 8 bits", "fixed point of 8 bits behind the point", { fractionBits: 8 }),
  resized("weights in float64", "no fixed point: weights are not rounded", { roundWeight: (weight) => weight }),
  resized("weights truncated", "toward zero, not to the nearest", { roundWeight: Math.trunc }),
  resized("halves to even", "a level that ends in .5 is rounded to the even one", {
    level: (sum, one) => clamped(halfEven(sum / one)),
  }),
  resized("levels truncated", "no half is added", { level: (sum, one) => clamped(Math.floor(sum / one)) }),
  resized("levels wrap", "256 becomes 0", { level: (sum, one) => Math.floor((sum + one / 2) / one) & 255 }),
  resized("columns first", "8 bits after the columns, not after the rows", { rowsFirst: false }),
  resized("BGR", "blue first", { channels: [2, 1, 0] }),
  tensor("BGR", "blue first", unit, (pixel, channel, pixels) => planes(pixel, 2 - channel, pixels)),
  tensor("channels last", "[height, width, 3]", unit, (pixel, channel) => 3 * pixel + channel),
  tensor("of 256", "level / 256", (level) => level / 256, planes),
  tensor("times 1/255", "the reciprocal is rounded first", (level) => level * Math.fround(1 / 255), planes),
];

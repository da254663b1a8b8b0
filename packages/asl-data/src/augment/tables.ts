import { countValues, mapBytes, mapChannels } from "../kernels/augment.js";
import type { Picture } from "../picture.js";

/** A new value for each value of a channel, [256]. */
type Table = Uint8Array;

const tableOf = (mapped: (value: number) => number): Table => {
  const table = new Uint8ClampedArray(256); // rounds nothing below: all values given are whole
  for (let value = 0; value < 256; value++) table[value] = mapped(value);
  return new Uint8Array(table.buffer);
};

const IDENTITY = tableOf((value) => value);

/** Stretches each channel to 0 .. 255, as `ImageOps.autocontrast`: v -> floor((v - low) 255 / (high - low)). */
export function autocontrast(picture: Picture): Picture {
  return throughTables(
    picture,
    histograms(picture).map((histogram) => {
      const low = histogram.findIndex((count) => count > 0);
      const high = histogram.findLastIndex((count) => count > 0);
      if (high <= low) return IDENTITY;
      // Pillow's order of operations: near a whole number another order gives its neighbour
      const scale = 255 / (high - low);
      const offset = -low * scale;
      return tableOf((value) => Math.trunc(value * scale + offset));
    }),
  );
}

/**
 * Makes each channel's histogram flat, as `ImageOps.equalize`: v -> floor((step / 2 + pixels below v) / step), where
 * 255 steps are all pixels but those of the highest value.
 */
export function equalize(picture: Picture): Picture {
  return throughTables(
    picture,
    histograms(picture).map((histogram) => {
      const highest = histogram.findLastIndex((count) => count > 0);
      const step = Math.floor((picture.width * picture.height - (histogram[highest] ?? 0)) / 255);
      if (step === 0) return IDENTITY;
      let below = Math.floor(step / 2);
      return tableOf((value) => {
        const level = Math.floor(below / step);
        below += histogram[value]!;
        return level;
      });
    }),
  );
}

/** Inverts values from the threshold on, as `ImageOps.solarize`. */
export function solarize(picture: Picture, threshold: number): Picture {
  return throughTable(
    picture,
    tableOf((value) => (value < threshold ? value : 255 - value)),
  );
}

/** Keeps the given number of high bits of each value, as `ImageOps.posterize`. */
export function posterize(picture: Picture, bits: number): Picture {
  const mask = 256 - 2 ** (8 - bits);
  return throughTable(
    picture,
    tableOf((value) => value & mask),
  );
}

/** One table for all channels. */
export function throughTable({ width, height, data }: Picture, table: Table): Picture {
  const byKernel = mapBytes(data, table);
  if (byKernel !== undefined) return { width, height, data: byKernel };
  const mapped = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) mapped[i] = table[data[i]!]!;
  return { width, height, data: mapped };
}

function throughTables({ width, height, data }: Picture, tables: readonly Table[]): Picture {
  const byKernel = mapChannels(data, tables);
  if (byKernel !== undefined) return { width, height, data: byKernel };
  const [red, green, blue] = tables;
  const mapped = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    mapped[i] = red![data[i]!]!;
    mapped[i + 1] = green![data[i + 1]!]!;
    mapped[i + 2] = blue![data[i + 2]!]!;
  }
  return { width, height, data: mapped };
}

/** How often each value occurs, per channel. */
function histograms({ data }: Picture): readonly [Uint32Array, Uint32Array, Uint32Array] {
  const counted = countValues(data);
  if (counted !== undefined) return counted;
  const [red, green, blue] = [new Uint32Array(256), new Uint32Array(256), new Uint32Array(256)];
  for (let i = 0; i < data.length; i += 3) {
    red[data[i]!]!++;
    green[data[i + 1]!]!++;
    blue[data[i + 2]!]!++;
  }
  return [red, green, blue];
}

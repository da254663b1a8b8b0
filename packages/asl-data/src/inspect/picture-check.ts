import type { Dataset } from "../dataset.js";
import { decodePicture } from "../decode.js";
import { PictureError, type PictureErrorReason } from "../errors.js";

export interface BrokenPicture {
  readonly file: string;
  readonly reason: PictureErrorReason;
  readonly message: string;
}

export interface PictureCheck {
  readonly checked: number;
  readonly broken: readonly BrokenPicture[];
  /** Of the shorter sides of good pictures, in pixels; null when none is good. */
  readonly shorterSide: Quantiles | null;
  readonly longerSide: Quantiles | null;
  /** Of width / height. */
  readonly aspectRatio: Quantiles | null;
}

export interface Quantiles {
  readonly min: number;
  readonly low: number;
  readonly median: number;
  readonly high: number;
  readonly max: number;
}

/** Pictures that are decoded at a time. */
const AT_ONCE = 4;

/** Decodes every picture of a dataset. Broken ones come in the order of the items. */
export async function checkPictures(
  { items }: Dataset,
  { onProgress, signal }: { readonly onProgress?: (done: number) => void; readonly signal?: AbortSignal } = {},
): Promise<PictureCheck> {
  const sizes: { width: number; height: number }[] = [];
  const broken: { index: number; picture: BrokenPicture }[] = [];
  let next = 0;
  let done = 0;
  const work = async () => {
    for (let index = next++; index < items.length; index = next++) {
      signal?.throwIfAborted();
      try {
        const { width, height } = await decodePicture(items.at(index)!.file);
        sizes.push({ width, height });
      } catch (thrown) {
        if (!(thrown instanceof PictureError)) throw thrown;
        const { file, reason, message } = thrown;
        broken.push({ index, picture: { file, reason, message } });
      }
      onProgress?.(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return {
    checked: items.length,
    broken: broken.sort((a, b) => a.index - b.index).map(({ picture }) => picture),
    shorterSide: quantiles(sizes.map(({ width, height }) => Math.min(width, height))),
    longerSide: quantiles(sizes.map(({ width, height }) => Math.max(width, height))),
    aspectRatio: quantiles(sizes.map(({ width, height }) => width / height)),
  };
}

/** Minimum, 10 %, half, 90 %, maximum: each is a value that occurs. */
function quantiles(values: readonly number[]): Quantiles | null {
  if (values.length === 0) return null;
  const rising = [...values].sort((a, b) => a - b);
  const at = (share: number) => rising[Math.min(rising.length - 1, Math.floor(share * rising.length))]!;
  return { min: at(0), low: at(0.1), median: at(0.5), high: at(0.9), max: at(1) };
}

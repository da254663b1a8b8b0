/** What quantising one layer, and no other, does to the outputs. */
export interface LayerError {
  readonly name: string;
  /** sqrt(sum (quantised - float)^2 / sum float^2) over the model's outputs. */
  readonly error: number;
}

/** ||found - expected|| / ||expected||; 0 where both are 0. */
export function relativeError(found: readonly ArrayLike<number>[], expected: readonly ArrayLike<number>[]): number {
  let difference = 0;
  let size = 0;
  expected.forEach((values, row) => {
    for (let i = 0; i < values.length; i++) {
      difference += (found[row]![i]! - values[i]!) ** 2;
      size += values[i]! ** 2;
    }
  });
  return difference === 0 ? 0 : Math.sqrt(difference / size);
}

export interface Selection {
  /** Names of the layers that stay in float32, the most sensitive first. */
  readonly float: readonly string[];
  /** Error of the model with all others quantised. */
  readonly error: number;
}

/**
 * Greedy: layers go back to float32 in the order of their own errors until the whole model's error is at most `allowed`.
 * The number of them is found by bisection, as if each that goes back made the error smaller; the error returned was
 * measured in any case, and is at most `allowed` (with all layers in float32 it is 0 where a runtime repeats its bits).
 * `errorWith(float)`: the error of the model with these in float32.
 */
export async function selectFloatLayers(
  layers: readonly LayerError[],
  allowed: number,
  errorWith: (float: readonly string[]) => Promise<number>,
): Promise<Selection> {
  const ordered = [...layers].sort((a, b) => b.error - a.error).map(({ name }) => name);
  const measured = async (count: number): Promise<Selection> => {
    const float = ordered.slice(0, count);
    return { float, error: await errorWith(float) };
  };
  let best = await measured(0);
  if (best.error <= allowed) return best;
  best = await measured(ordered.length);
  for (let low = 1, high = ordered.length - 1; low <= high; ) {
    const middle = Math.floor((low + high) / 2);
    const tried = await measured(middle);
    if (tried.error <= allowed) {
      best = tried;
      high = middle - 1;
    } else low = middle + 1;
  }
  return best;
}

import { type Dataset, isPartial } from "../dataset.js";

export interface ClassStatistics {
  readonly name: string;
  readonly positives: number;
  /** Pictures that were looked at and do not show it. */
  readonly negatives: number;
  readonly unannotated: number;
}

/** Two classes that pictures show together. */
export interface CoOccurrence {
  readonly classes: readonly [string, string];
  readonly pictures: number;
  /** P(a and b) / (P(a) P(b)): 1 when they have nothing to do with each other. */
  readonly lift: number;
}

export interface LabelStatistics {
  readonly pictures: number;
  readonly classes: readonly ClassStatistics[];
  /** Over pictures. */
  readonly positivesPerPicture: { readonly mean: number; readonly max: number; readonly none: number };
  /** Negatives per positive, over all annotated entries. */
  readonly negativesPerPositive: number;
  /** Of the classes that occur: positives of the most frequent over those of the rarest. */
  readonly maxOverMin: number;
  /** Of the classes' positives: 0 when all are equally frequent, near 1 when one has nearly all. */
  readonly gini: number;
  readonly absentClasses: readonly string[];
  /** Whether a target is -1. */
  readonly partial: boolean;
  /** The pairs with most pictures. */
  readonly coOccurrences: readonly CoOccurrence[];
  /** File names that several pictures have: copies, or a split that leaks. */
  readonly duplicateNames: readonly { readonly name: string; readonly files: readonly string[] }[];
}

const PAIRS = 20;
const DUPLICATES = 20;

/** Counts labels in one pass over the items. */
export function labelStatistics({ classes, items }: Dataset): LabelStatistics {
  const count = classes.length;
  const positives = new Uint32Array(count);
  /** Of items that list what they do not show. */
  const negatives = new Uint32Array(count);
  /** Of the other items, whose unlisted classes are not there. */
  const densePositives = new Uint32Array(count);
  const unannotated = new Uint32Array(count);
  /** Pictures by a * classes + b, a < b. */
  const pairs = new Map<number, number>();
  const files = new Map<string, string[]>();
  let none = 0;
  let most = 0;
  let dense = 0;
  let partial = false;
  for (const item of items) {
    const { labels } = item;
    for (const label of labels) positives[label]!++;
    if (item.negatives === undefined) {
      dense++;
      for (const label of labels) densePositives[label]!++;
    }
    for (const label of item.negatives ?? []) negatives[label]!++;
    for (const label of item.unannotated ?? []) unannotated[label]!++;
    partial ||= isPartial(item, count);
    if (labels.length === 0) none++;
    most = Math.max(most, labels.length);
    labels.forEach((a, index) => {
      for (const b of labels.slice(index + 1)) {
        const key = Math.min(a, b) * count + Math.max(a, b);
        pairs.set(key, (pairs.get(key) ?? 0) + 1);
      }
    });
    const name = item.file.split(/[\\/]/).at(-1)!;
    const same = files.get(name);
    if (same === undefined) files.set(name, [item.file]);
    else same.push(item.file);
  }
  const pictures = items.length;
  const statistics = classes.map((name, index): ClassStatistics => {
    const there = positives[index]!;
    const notThere = negatives[index]! + dense - densePositives[index]! - unannotated[index]!;
    return { name, positives: there, negatives: notThere, unannotated: pictures - there - notThere };
  });
  const total = positives.reduce((sum, value) => sum + value, 0);
  const against = statistics.reduce((sum, each) => sum + each.negatives, 0);
  const occurring = [...positives].filter((value) => value > 0);
  return {
    pictures,
    classes: statistics,
    positivesPerPicture: { mean: total / pictures, max: most, none },
    negativesPerPositive: total === 0 ? 0 : against / total,
    maxOverMin:
      occurring.length === 0
        ? 0
        : occurring.reduce((a, b) => Math.max(a, b)) / occurring.reduce((a, b) => Math.min(a, b)),
    gini: gini([...positives]),
    absentClasses: classes.filter((_, index) => positives[index] === 0),
    partial,
    coOccurrences: [...pairs]
      .sort(([a, m], [b, n]) => n - m || a - b)
      .slice(0, PAIRS)
      .map(([key, together]) => {
        const [a, b] = [Math.floor(key / count), key % count];
        const lift = (together * pictures) / (positives[a]! * positives[b]!);
        return { classes: [classes[a]!, classes[b]!], pictures: together, lift };
      }),
    duplicateNames: [...files]
      .filter(([, same]) => same.length > 1)
      .slice(0, DUPLICATES)
      .map(([name, same]) => ({ name, files: same })),
  };
}

/** G = sum_i (2 i - n - 1) x_i / (n sum x), x rising, i from 1. 0 for nothing at all. */
export function gini(values: readonly number[]): number {
  const rising = [...values].sort((a, b) => a - b);
  const sum = rising.reduce((total, value) => total + value, 0);
  if (sum === 0) return 0;
  const weighted = rising.reduce((total, value, index) => total + (2 * (index + 1) - rising.length - 1) * value, 0);
  return weighted / (rising.length * sum);
}

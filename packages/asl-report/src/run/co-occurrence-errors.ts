import type { Predictions } from "asl-training";

/** Errors in one class on the pictures that show another. */
export interface CoOccurrenceError {
  /** The class that is there. */
  readonly shown: string;
  /** The class that is wrongly found ("invented") or not found although it is there ("missed"). */
  readonly className: string;
  readonly kind: "invented" | "missed";
  /** Errors, and the pictures with `shown` on which they could be made. */
  readonly errors: number;
  readonly pictures: number;
  /** Errors if they were as frequent there as on all pictures. */
  readonly expected: number;
}

/** Pairs looked at closely: those with the most errors. */
const CANDIDATES = 500;

/** Pairs of classes with the most errors beyond what each class makes anyway: a class that goes with another one. */
export function coOccurrenceErrors(
  predictions: Predictions,
  thresholdOf: (label: number) => number,
  count = 12,
): readonly CoOccurrenceError[] {
  const kinds = [
    { kind: "invented", target: 0 },
    { kind: "missed", target: 1 },
  ] as const;
  return kinds
    .flatMap(({ kind, target }) => errorsOf(predictions, thresholdOf, target).map((each) => ({ ...each, kind })))
    .filter(({ errors, expected }) => errors > expected)
    .sort((a, b) => b.errors - b.expected - (a.errors - a.expected))
    .slice(0, count);
}

/** Errors on pairs of picture and class with the given target. */
function errorsOf(
  { classNames, pictures, scores, targets }: Predictions,
  thresholdOf: (label: number) => number,
  target: 0 | 1,
): Omit<CoOccurrenceError, "kind">[] {
  const classes = classNames.length;
  const thresholds = classNames.map((_, label) => thresholdOf(label));
  const shownOn = pictures.map((_, row) => classNames.flatMap((_, label) => (at(row, label) === 1 ? [label] : [])));
  function at(row: number, label: number): number {
    return targets[row * classes + label]!;
  }
  const errorsTogether = new Map<number, number>();
  const errors = new Uint32Array(classes);
  const chances = new Uint32Array(classes);
  for (const [row, shown] of shownOn.entries()) {
    for (let label = 0; label < classes; label++) {
      if (at(row, label) !== target) continue;
      chances[label]!++;
      const isFound = scores[row * classes + label]! > thresholds[label]!;
      if (isFound === (target === 1)) continue;
      errors[label]!++;
      for (const other of shown) {
        if (other === label) continue;
        const pair = other * classes + label;
        errorsTogether.set(pair, (errorsTogether.get(pair) ?? 0) + 1);
      }
    }
  }
  const candidates = [...errorsTogether].sort((a, b) => b[1] - a[1]).slice(0, CANDIDATES);
  return candidates.map(([pair, together]) => {
    const [other, label] = [Math.floor(pair / classes), pair % classes];
    const possible = shownOn.filter((shown, row) => at(row, label) === target && shown.includes(other)).length;
    return {
      ...{ shown: classNames[other]!, className: classNames[label]!, errors: together, pictures: possible },
      expected: (possible * errors[label]!) / chances[label]!,
    };
  });
}

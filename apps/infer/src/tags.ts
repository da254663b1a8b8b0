/** One class and its probability. */
export interface Tag {
  readonly name: string;
  readonly score: number;
}

export interface TagSelection {
  /** Probability above which a class counts as present, one per class. */
  readonly thresholds: readonly number[];
  /** At most this many tags. */
  readonly top?: number | undefined;
}

/** The classes above their thresholds, the highest score first; equal scores in class order. */
export function selectTags(
  classNames: readonly string[],
  scores: ArrayLike<number>,
  { thresholds, top }: TagSelection,
): readonly Tag[] {
  return classNames
    .map((name, index) => ({ name, score: scores[index]!, threshold: thresholds[index]! }))
    .filter(({ score, threshold }) => score > threshold)
    .sort((a, b) => b.score - a.score)
    .slice(0, top)
    .map(({ name, score }) => ({ name, score }));
}

/** The line of JSON for one picture. */
export function jsonLine(
  image: string,
  tags: readonly Tag[],
  classNames: readonly string[],
  scores: ArrayLike<number>,
): string {
  return JSON.stringify({
    image,
    labels: tags,
    scores: Object.fromEntries(classNames.map((name, index) => [name, scores[index]])),
  });
}

const BAR = 20;

/** The lines for people: the picture, then one tag a line with a bar for its score. */
export function textLines(image: string, tags: readonly Tag[], best: Tag): string {
  if (tags.length === 0) {
    return `${image}\n  no tag above the threshold; closest: ${best.name} ${best.score.toFixed(3)}`;
  }
  const width = Math.max(...tags.map(({ name }) => name.length));
  const lines = tags.map(({ name, score }) => {
    const filled = Math.round(score * BAR);
    return `  ${name.padEnd(width)}  ${score.toFixed(3)}  ${"#".repeat(filled)}${".".repeat(BAR - filled)}`;
  });
  return [image, ...lines].join("\n");
}

import type { Predictions } from "asl-training";

/** A class that was found on a picture that does not show it, or the other way round. */
export interface Mistake {
  /** Row of the predictions. */
  readonly row: number;
  readonly picture: string;
  readonly className: string;
  readonly score: number;
}

export interface Mistakes {
  /** Highest scores of classes that are not there, and lowest of those that are; a picture comes once in each list. */
  readonly falsePositives: readonly Mistake[];
  readonly falseNegatives: readonly Mistake[];
}

/** The worst mistakes, at most `count` of each kind. */
export function worstMistakes(predictions: Predictions, thresholdOf: (label: number) => number, count = 12): Mistakes {
  const { classNames, pictures, scores, targets } = predictions;
  const mistake = (index: number): Mistake => {
    const row = Math.floor(index / classNames.length);
    const label = index % classNames.length;
    return { row, picture: pictures[row]!, className: classNames[label]!, score: scores[index]! };
  };
  const worst = (isMistake: (index: number) => boolean, sign: 1 | -1) => {
    const found: number[] = [];
    for (let row = 0; row < pictures.length; row++) {
      let best: number | undefined;
      for (let label = 0; label < classNames.length; label++) {
        const index = row * classNames.length + label;
        if (isMistake(index) && (best === undefined || sign * scores[index]! > sign * scores[best]!)) best = index;
      }
      if (best !== undefined) found.push(best);
    }
    return found
      .sort((a, b) => sign * (scores[b]! - scores[a]!))
      .slice(0, count)
      .map(mistake);
  };
  const isFound = (index: number) => scores[index]! > thresholdOf(index % classNames.length);
  return {
    falsePositives: worst((index) => targets[index] === 0 && isFound(index), 1),
    falseNegatives: worst((index) => targets[index] === 1 && !isFound(index), -1),
  };
}

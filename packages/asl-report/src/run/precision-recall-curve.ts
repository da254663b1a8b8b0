import type { Predictions } from "asl-training";

export interface CurvePoint {
  readonly recall: number;
  readonly precision: number;
}

/** Points of a curve that a chart can show. */
const MOST_POINTS = 64;

/** The curve of one class, highest scores first; empty without positives. Targets of -1 take no part. */
export const classCurve = (predictions: Predictions, classIndex: number): readonly CurvePoint[] =>
  curveOf(predictions, classIndex, predictions.classNames.length);

/** The curve of all pairs of picture and class together ("micro"). */
export const overallCurve = (predictions: Predictions): readonly CurvePoint[] => curveOf(predictions, 0, 1);

function curveOf({ scores, targets }: Predictions, start: number, stride: number): readonly CurvePoint[] {
  const pairs: number[] = [];
  let positives = 0;
  for (let i = start; i < scores.length; i += stride) {
    if (targets[i]! < 0) continue;
    pairs.push(i);
    positives += targets[i] === 1 ? 1 : 0;
  }
  if (positives === 0) return [];
  pairs.sort((a, b) => scores[b]! - scores[a]!);
  const points: CurvePoint[] = [];
  let found = 0;
  for (const [rank, pair] of pairs.entries()) {
    if (targets[pair] === 1) found++;
    // equal scores cannot be told apart by a threshold: their point is that of the last of them
    const next = pairs[rank + 1];
    if (next !== undefined && scores[next] === scores[pair]) continue;
    points.push({ recall: found / positives, precision: found / (rank + 1) });
    if (found === positives) break;
  }
  return thinned(points);
}

/** At most so many points, equally far apart in recall; the first and the last stay. */
function thinned(points: readonly CurvePoint[]): readonly CurvePoint[] {
  if (points.length <= MOST_POINTS) return points;
  const kept: CurvePoint[] = [];
  let next = 0;
  for (const [index, point] of points.entries()) {
    if (point.recall < next / (MOST_POINTS - 1) && index < points.length - 1) continue;
    kept.push(point);
    while (next / (MOST_POINTS - 1) <= point.recall) next++;
  }
  return kept;
}

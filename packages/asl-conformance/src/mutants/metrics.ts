import type { Metrics, RateName } from "../parts/metrics.js";
import { withMantissa } from "./elementwise.js";
import type { PartMutant } from "./part-mutant.js";

/** The metrics' definitions, written for clarity, with each decision that an implementation can get wrong as a rule. */
interface Rules {
  /** Rows of equal score: negative when row a comes first. */
  readonly tie: (a: number, b: number, targets: Int8Array) => number;
  /** What scores are ranked by. */
  readonly rankedBy: (score: number) => number;
  readonly isAnnotated: (target: number) => boolean;
  /** Precisions at the ranks of the positives, best first. */
  readonly precisions: (precisions: readonly number[]) => readonly number[];
  /** Positives that the sum is divided by. */
  readonly divisor: (positives: number, rows: number) => number;
  /** Of the APs in percent and the positives of each class. */
  readonly mean: (perClass: readonly number[], positives: readonly number[]) => number;
  readonly decides: (score: number, threshold: number) => boolean;
  /** Classes of equal score in a row; negative when class a comes first. */
  readonly topTie: (a: number, b: number) => number;
  /** 0 / 0. */
  readonly nothing: number;
  readonly f1: (precision: number, recall: number) => number;
  /** From what is right to what is returned. */
  readonly rates: (rates: Record<RateName, number>) => Record<RateName, number>;
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

const RIGHT: Rules = {
  tie: (a, b) => a - b,
  rankedBy: (score) => score,
  isAnnotated: (target) => target !== -1,
  precisions: (precisions) => precisions,
  divisor: (positives) => positives + 1e-8,
  mean: meanOf,
  decides: (score, threshold) => score > threshold,
  topTie: (a, b) => a - b,
  nothing: 0,
  f1: (precision, recall) => (precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall)),
  rates: (rates) => rates,
};

/** The definitions under some other rules. */
export function plainMetrics(changed: Partial<Rules> = {}): Metrics {
  const rules = { ...RIGHT, ...changed };
  const ratio = (a: number, b: number) => (b === 0 ? rules.nothing : a / b);
  return {
    meanAveragePrecision(scores, targets, [rows, classes]) {
      const columns = range(classes).map((c) => {
        const own = targets.filter((_, i) => i % classes === c);
        const key = range(rows).map((row) => rules.rankedBy(scores[row * classes + c]!));
        const ranked = range(rows)
          .filter((row) => rules.isAnnotated(own[row]!))
          .sort((a, b) => key[b]! - key[a]! || rules.tie(a, b, own));
        const precisions: number[] = [];
        ranked.forEach((row, before) => {
          if (own[row] === 1) precisions.push((precisions.length + 1) / (before + 1));
        });
        const sum = rules.precisions(precisions).reduce((total, precision) => total + precision, 0);
        return { precision: (100 * sum) / rules.divisor(precisions.length, rows), positives: precisions.length };
      });
      const perClass = columns.map(({ precision }) => precision);
      return {
        mAP: rules.mean(
          perClass,
          columns.map(({ positives }) => positives),
        ),
        perClass,
      };
    },
    precisionRecall(scores, targets, [rows, classes], threshold, { topK = classes }) {
      const counts = range(classes).map(() => ({ hits: 0, predicted: 0, positives: 0 }));
      for (const row of range(rows)) {
        const score = (c: number) => scores[row * classes + c]!;
        const target = (c: number) => targets[row * classes + c]!;
        const annotated = range(classes).filter((c) => rules.isAnnotated(target(c)));
        for (const c of annotated) if (target(c) === 1) counts[c]!.positives++;
        for (const c of annotated.sort((a, b) => score(b) - score(a) || rules.topTie(a, b)).slice(0, topK)) {
          if (!rules.decides(score(c), threshold)) continue;
          counts[c]!.predicted++;
          if (target(c) === 1) counts[c]!.hits++;
        }
      }
      const total = (key: "hits" | "predicted" | "positives") => counts.reduce((sum, count) => sum + count[key], 0);
      const precision = counts.map(({ hits, predicted }) => ratio(hits, predicted));
      const recall = counts.map(({ hits, positives }) => ratio(hits, positives));
      const [CP, CR] = [meanOf(precision), meanOf(recall)];
      const [OP, OR] = [ratio(total("hits"), total("predicted")), ratio(total("hits"), total("positives"))];
      const CF1 = meanOf(precision.map((each, c) => rules.f1(each, recall[c]!)));
      const rates = rules.rates({ CP, CR, CF1, CF1OfMeans: rules.f1(CP, CR), OP, OR, OF1: rules.f1(OP, OR) });
      const percent = Object.entries(rates).map(([name, rate]) => [name, 100 * rate]);
      return Object.fromEntries(percent) as Record<RateName, number>;
    },
  };
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

const wrong = (name: string, mistake: string, rules: Partial<Rules>): PartMutant<Metrics> => ({
  name,
  mistake,
  implementation: plainMetrics(rules),
});

/** The largest precision from each rank on, as PASCAL VOC's evaluation has it since 2010. */
const envelope = (precisions: readonly number[]) =>
  precisions.map((_, i) => precisions.slice(i).reduce((most, precision) => Math.max(most, precision), 0));

export const METRICS_MUTANTS: readonly PartMutant<Metrics>[] = [
  wrong("AP: ties backwards", "of equal scores the last row ranks first", { tie: (a, b) => b - a }),
  wrong("AP: ties in favour", "of equal scores the positives rank first", {
    tie: (a, b, targets) => targets[b]! - targets[a]! || a - b,
  }),
  wrong("AP: interpolated", "the precision is the largest from there on, as PASCAL VOC's", { precisions: envelope }),
  wrong("AP: half precision", "scores keep 10 bits, so that different ones tie", {
    rankedBy: (score) => withMantissa(10, score),
  }),
  wrong("AP: not annotated is negative", "target -1 takes part in the ranking", { isAnnotated: () => true }),
  wrong("AP: of all rows", "divided by rows instead of positives", { divisor: (_positives, rows) => rows }),
  wrong("AP: no 1e-8", "divided by the positives alone, which the official evaluation does not", {
    divisor: (positives) => Math.max(positives, 1),
  }),
  wrong("AP: the first positive is missing", "precisions from the second positive on", {
    precisions: (precisions) => precisions.slice(1),
  }),
  wrong("mAP: present classes", "classes without positives are left out of the mean", {
    mean: (perClass, positives) => meanOf(perClass.filter((_, c) => positives[c]! > 0)),
  }),
  wrong("mAP: weighted", "each class counts as often as it has positives", {
    mean: (perClass, positives) =>
      perClass.reduce((sum, precision, c) => sum + precision * positives[c]!, 0) / positives.reduce((a, b) => a + b, 0),
  }),
  wrong("decisions: at the threshold", "score >= threshold", { decides: (score, threshold) => score >= threshold }),
  wrong("decisions: 0 / 0 is 1", "a class that is never predicted has precision 1", { nothing: 1 }),
  wrong("top-k: ties backwards", "of equal scores the last class is taken", { topTie: (a, b) => b - a }),
  wrong("F1: arithmetic mean", "(P + R) / 2", { f1: (precision, recall) => (precision + recall) / 2 }),
  wrong("CF1: of the means", "F1 of CP and CR for the mean of the classes' F1", {
    rates: (rates) => ({ ...rates, CF1: rates.CF1OfMeans }),
  }),
  wrong("CF1 of means: of the classes", "the mean of the classes' F1 for F1 of CP and CR", {
    rates: (rates) => ({ ...rates, CF1OfMeans: rates.CF1 }),
  }),
  wrong("OP: by class", "means over classes for all decisions together", {
    rates: (rates) => ({ ...rates, OP: rates.CP, OR: rates.CR, OF1: rates.CF1OfMeans }),
  }),
  wrong("precision and recall swapped", "CP for CR, OP for OR", {
    rates: (rates) => ({ ...rates, CP: rates.CR, CR: rates.CP, OP: rates.OR, OR: rates.OP }),
  }),
];

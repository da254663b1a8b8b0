import { readFileSync } from "node:fs";
import path from "node:path";
import { readNpz } from "asl-checkpoint";
import { f32, fromBase64, InputError } from "asl-core";
import { compareRelative } from "../compare.js";
import type { CaseKind } from "../fixture.js";
import { fixturesFolder } from "../load.js";
import { summarize } from "../outcome.js";
import type { PartCase } from "./part.js";

export const RATE_NAMES = ["CP", "CR", "CF1", "CF1OfMeans", "OP", "OR", "OF1"] as const;
export type RateName = (typeof RATE_NAMES)[number];

/**
 * What metrics are held to; asl-core's functions of these names are one implementation.
 * scores and targets: row-major [rows, classes]; targets 1, 0, or -1 for "not annotated". Results in percent.
 */
export interface Metrics {
  /** Ties keep the order of rows; a class without positives counts 0. */
  meanAveragePrecision(
    scores: Float32Array,
    targets: Int8Array,
    shape: readonly [number, number],
  ): { readonly mAP: number; readonly perClass: ArrayLike<number> };
  /** Of the decisions score > threshold, with `topK` of the highest of a row only. 0 / 0 counts 0. */
  precisionRecall(
    scores: Float32Array,
    targets: Int8Array,
    shape: readonly [number, number],
    threshold: number,
    options: { readonly topK?: number },
  ): Readonly<Record<RateName, number>>;
}

type Rates = Readonly<Record<RateName, number>>;

/** Base64, or an array of a .npz file beside the case's own. */
type ArrayReference = string | { readonly file: string; readonly array: string };

interface MetricsCaseJson {
  readonly name: string;
  readonly kind: CaseKind;
  readonly shape: readonly [number, number];
  /** Relative error that summation in float64 leaves. */
  readonly limit: number;
  readonly scores: ArrayReference;
  readonly targets: ArrayReference;
  readonly averagePrecision: { readonly mAP: number; readonly perClass: readonly number[] };
  readonly decisions: readonly (Rates & { readonly threshold: number; readonly topK?: number })[];
}

/** fixtures/metrics/{edges,coco_tresnet_xl}.json. */
interface MetricsFileJson {
  readonly format: "asl-metrics-fixtures";
  readonly version: 1;
  readonly cases: readonly MetricsCaseJson[];
}

interface OfficialRates extends Omit<Rates, "CF1" | "CF1OfMeans"> {
  readonly CF1_mean_of_class_f1: number;
  readonly CF1_of_mean_p_r: number;
}

/** fixtures/metrics/metrics.json: what the official implementation printed. */
interface OfficialCase {
  readonly shape: readonly [number, number];
  readonly limit: number;
  readonly scores: string;
  readonly targets: string;
  /** In [0, 1]. */
  readonly ap: readonly number[];
  readonly mAP: number;
  readonly at_0_5: OfficialRates;
  readonly at_0_8: OfficialRates;
}

/** The large one last, so that most mistakes are found out before it. */
const FILES = ["edges.json", "metrics.json", "coco_tresnet_xl.json"];

/** The cases of fixtures/metrics. */
export function metricsCases(folder = fixturesFolder()): readonly PartCase<Metrics>[] {
  const own = path.join(folder, "metrics");
  return FILES.flatMap((name) => {
    const file = path.join(own, name);
    const json = JSON.parse(readFileSync(file, "utf8")) as
      | MetricsFileJson
      | { readonly cases: readonly OfficialCase[] };
    if (!("format" in json)) return json.cases.map(fromOfficial).flatMap((each) => casesOf(each, own));
    if (json.format !== "asl-metrics-fixtures" || json.version !== 1) {
      throw new InputError(`${file}: expected asl-metrics-fixtures of version 1; found ${json.format} ${json.version}`);
    }
    return json.cases.flatMap((each) => casesOf(each, own));
  });
}

function fromOfficial({ ap, mAP, at_0_5, at_0_8, ...rest }: OfficialCase, index: number): MetricsCaseJson {
  const rates = ({ CF1_mean_of_class_f1, CF1_of_mean_p_r, ...others }: OfficialRates, threshold: number) => ({
    ...others,
    CF1: CF1_mean_of_class_f1,
    CF1OfMeans: CF1_of_mean_p_r,
    threshold,
  });
  return {
    ...rest,
    name: `metrics/official-${index}`,
    kind: "random",
    averagePrecision: { mAP, perClass: ap.map((precision) => 100 * precision) },
    decisions: [rates(at_0_5, 0.5), rates(at_0_8, 0.8)],
  };
}

function casesOf(json: MetricsCaseJson, folder: string): readonly PartCase<Metrics>[] {
  const { name, kind, shape, limit, averagePrecision, decisions } = json;
  const common = { kind, tier: "official" } as const;
  let read: ReturnType<typeof arraysOf> | undefined;
  const arrays = () => {
    read ??= arraysOf(json, folder);
    return read;
  };
  const compared = (output: string, actual: ArrayLike<number>, expected: ArrayLike<number>) =>
    compareRelative(output, numbers(actual), numbers(expected), { measure: "largest", limit });
  return [
    {
      ...common,
      name: `${name}/average-precision`,
      subject: "average-precision",
      calls: "meanAveragePrecision",
      async measure(metrics) {
        const { scores, targets } = await arrays();
        const { mAP, perClass } = metrics.meanAveragePrecision(scores, targets, shape);
        return summarize([
          compared("perClass", perClass, averagePrecision.perClass),
          compared("mAP", [mAP], [averagePrecision.mAP]),
        ]);
      },
    },
    {
      ...common,
      name: `${name}/precision-recall`,
      subject: "precision-recall",
      calls: "precisionRecall",
      async measure(metrics) {
        const { scores, targets } = await arrays();
        const comparisons = decisions.flatMap(({ threshold, topK, ...expected }) => {
          const options = topK === undefined ? {} : { topK };
          const actual = metrics.precisionRecall(scores, targets, shape, threshold, options);
          const at = `at ${threshold}${topK === undefined ? "" : ` of the top ${topK}`}`;
          return RATE_NAMES.map((rate) => compared(`${rate} ${at}`, [actual[rate]], [expected[rate]]));
        });
        return summarize(comparisons);
      },
    },
  ];
}

const numbers = (values: ArrayLike<number>) => f32([values.length], Float64Array.from(values));

async function arraysOf({ scores, targets }: MetricsCaseJson, folder: string) {
  const array = async (reference: Exclude<ArrayReference, string>) => {
    const found = await readNpz(path.join(folder, reference.file), [reference.array]);
    return Float32Array.from(found[reference.array]!.data, Number);
  };
  return {
    scores: typeof scores === "string" ? new Float32Array(fromBase64(scores).buffer) : await array(scores),
    targets:
      typeof targets === "string" ? new Int8Array(fromBase64(targets).buffer) : Int8Array.from(await array(targets)),
  };
}

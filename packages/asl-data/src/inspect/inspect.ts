import type { Dataset } from "../dataset.js";
import { type LabelStatistics, labelStatistics } from "./label-statistics.js";
import { checkPictures, type PictureCheck } from "./picture-check.js";
import { type Suggestion, suggest } from "./suggest.js";

export interface InspectOptions {
  /** Decode every picture. Default true. */
  readonly decode?: boolean;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

export interface DatasetInspection {
  readonly labels: LabelStatistics;
  /** Null when pictures were not decoded. */
  readonly pictures: PictureCheck | null;
  readonly suggestion: Suggestion;
}

/** What to know of a dataset before training on it. */
export async function inspectDataset(dataset: Dataset, options: InspectOptions = {}): Promise<DatasetInspection> {
  const { decode = true, ...rest } = options;
  const labels = labelStatistics(dataset);
  const pictures = decode ? await checkPictures(dataset, rest) : undefined;
  return { labels, pictures: pictures ?? null, suggestion: suggest(labels, pictures) };
}

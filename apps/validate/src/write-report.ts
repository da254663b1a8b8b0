import { basename } from "node:path";
import { writeFileAtomically } from "asl-cli";
import type { Dataset } from "asl-data";
import type { Predictions } from "asl-training";

/** The page of --report; saved predictions come without picture files. */
export async function writeReport(
  file: string,
  parts: {
    readonly predictions: Predictions;
    readonly threshold: number | readonly number[];
    readonly dataset: Dataset | undefined;
    /** The model or the file of predictions. */
    readonly of: string | undefined;
  },
): Promise<void> {
  const { predictions, threshold, dataset, of = "" } = parts;
  // loaded now: its plotting library costs a validation without a report nothing
  const { validationPage } = await import("asl-report");
  const files = new Map([...(dataset?.items ?? [])].map((item) => [item.name, item.file]));
  const fileOf = (picture: string) => files.get(picture);
  const page = await validationPage(predictions, threshold, { title: `Validation of ${basename(of)}`, fileOf });
  await writeFileAtomically(file, page);
}

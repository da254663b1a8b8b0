import { join } from "node:path";
import { describeError, type Reporter, writeFileAtomically } from "asl-cli";
import type { Dataset } from "asl-data";
import { RUN_FILES } from "asl-training";

/** Writes the run's report.html. That it cannot be made is a warning: the run itself is saved already. */
export async function writeRunReport(out: string, validation: Dataset | undefined, report: Reporter): Promise<void> {
  const file = join(out, RUN_FILES.report);
  try {
    // loaded now: its plotting library costs a command that makes no report nothing
    const { runReport } = await import("asl-report");
    const files = new Map([...(validation?.items ?? [])].map((item) => [item.name, item.file]));
    await writeFileAtomically(file, await runReport(out, { fileOf: (picture) => files.get(picture) }));
    report.note(`report: ${file}`);
  } catch (error) {
    report.warn(`${file}: the report could not be made: ${describeError(error)}`);
  }
}

import { join } from "node:path";
import type { JsonObject } from "asl-checkpoint";
import { type CommandContext, formatTable } from "asl-cli";
import type { TrainingResult } from "asl-training";
import type { TrainOptions } from "./command.js";

export interface SweepRow {
  readonly gammaNeg: number;
  readonly clip: number;
  readonly result: TrainingResult;
}

/** A run for each pair of values, one after the other, each in a folder of its own; ends at an interruption. */
export async function sweep(
  options: TrainOptions,
  { report }: Pick<CommandContext, "report">,
  train: (options: TrainOptions) => Promise<TrainingResult>,
): Promise<readonly SweepRow[]> {
  const gammas = options.sweep?.gammaNeg ?? [options.gammaNeg];
  const clips = options.sweep?.clip ?? [options.clip];
  const pairs = gammas.flatMap((gammaNeg) => clips.map((clip) => ({ gammaNeg, clip })));
  const rows: SweepRow[] = [];
  for (const [index, { gammaNeg, clip }] of pairs.entries()) {
    const out = join(options.out, `gamma-neg-${gammaNeg}-clip-${clip}`);
    report.note(`run ${index + 1} of ${pairs.length}: gamma-neg ${gammaNeg}, clip ${clip} (${out})`);
    const result = await train({ ...options, gammaNeg, clip, out });
    rows.push({ gammaNeg, clip, result });
    if (result.interrupted) break;
  }
  return rows;
}

const mAPOf = (best: TrainingResult["best"]["ema"]) => best?.mAP ?? null;

export function sweepText(rows: readonly SweepRow[]): string {
  const score = (best: TrainingResult["best"]["ema"]) => best?.mAP.toFixed(2) ?? "-";
  return formatTable(
    ["gamma-neg", "clip", "mAP", "mAP of the EMA", "epochs"],
    rows.map(({ gammaNeg, clip, result: { best, epochs } }) => {
      return [String(gammaNeg), String(clip), score(best.regular), score(best.ema), String(epochs)];
    }),
    [0, 1, 2, 3, 4],
  );
}

export function sweepJson(rows: readonly SweepRow[]): JsonObject {
  return {
    rows: rows.map(({ gammaNeg, clip, result: { best, epochs, steps } }) => {
      return { gammaNeg, clip, mAP: mAPOf(best.regular), mAPEma: mAPOf(best.ema), epochs, steps };
    }),
  };
}

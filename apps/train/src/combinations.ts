import { givenFlags, UsageError } from "asl-cli";
import type { TrainOptions } from "./command.js";
import { isEmoji } from "./datasets.js";

/** Options that say where labelled pictures are. */
const OF_FILES = ["dataset", "annotations", "valAnnotations", "valData", "split", "valSplit"] as const;

/** Throws UsageError for options that would do nothing, with what to do. */
export function checkCombination(options: TrainOptions): void {
  const refuse = (flags: string, why: string) => {
    if (flags !== "") throw new UsageError(`${flags}: ${why}, or leave it out`);
  };
  const { inspect, decode, unannotated, weights } = options;
  if (inspect !== true) {
    refuse(givenFlags(options, ["html"]), "of the inspection; add --inspect");
    if (!decode) refuse("--no-decode", "of the inspection; add --inspect");
  }
  if (isEmoji(options))
    refuse(givenFlags(options, OF_FILES), "--data emoji generates pictures and annotations; name a folder");
  else refuse(givenFlags(options, ["valScenes"]), "of generated pictures; add --data emoji");
  if (unannotated !== "selective") refuse(givenFlags(options, ["priorModel"]), "add --unannotated selective");
  if (weights === undefined) refuse(givenFlags(options, ["loadBackbone"]), "needs --weights CHECKPOINT; add it");
}

import { type ArgumentParser, refuse } from "asl-cli";
import { MAX_MAGNITUDE } from "asl-data";

const STEPS = ["flip", "cutout", "rand-augment"] as const;
type StepName = (typeof STEPS)[number];

/** "flip,cutout" or "none". */
export const augmentationSteps: ArgumentParser<readonly StepName[]> = (text) => {
  if (text === "none") return [];
  return text.split(",").map((name) => {
    const step = STEPS.find((known) => known === name.trim());
    return step ?? refuse(`none, or some of ${STEPS.join(", ")} with commas`, text);
  });
};

export interface RandAugmentSettings {
  readonly operations: number;
  readonly magnitude: number;
}

/** "2,9". */
export const randAugmentSettings: ArgumentParser<RandAugmentSettings> = (text) => {
  const [operations = Number.NaN, magnitude = Number.NaN, ...more] = text.split(",").map(Number);
  const valid = Number.isInteger(operations) && operations >= 1 && magnitude >= 0 && magnitude <= MAX_MAGNITUDE;
  return valid && more.length === 0
    ? { operations, magnitude }
    : refuse(`N,M: N operations from 1 on, magnitude M from 0 to ${MAX_MAGNITUDE}`, text);
};

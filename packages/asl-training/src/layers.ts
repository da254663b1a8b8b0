import { InputError } from "asl-core";

/** Whether a parameter of a TResNet belongs to its head (`head.fc...`). */
export const isHead = (parameter: string): boolean => parameter.startsWith("head.");

const STAGES = ["head.", "body.layer4.", "body.layer3.", "body.layer2.", "body.layer1.", "body.conv1."];

/** How many stages lie between a parameter and the output: head 0, layer4 1, ..., layer1 4, stem 5. */
export function distanceFromHead(parameter: string): number {
  const distance = STAGES.findIndex((stage) => parameter.startsWith(stage));
  if (distance < 0) throw new InputError(`training: parameter "${parameter}" is in no stage (${STAGES.join(", ")})`);
  return distance;
}

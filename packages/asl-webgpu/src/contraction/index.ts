export { candidateTiles, type TunedContraction, tuneContraction } from "./autotune.js";
export type { ContractionDispatch, ContractionIO, ContractionPlan, ScratchIO } from "./io.js";
export type { ContractionOp } from "./mappings.js";
export { type ContractionNode, type ContractionTypes, planContraction } from "./plan.js";
export { contractionKey } from "./tile.js";
export { type ContractionLimits, deviceTuning, type Tile, type Tuning } from "./tuning.js";

export { type TunedContraction, type TuneOptions, tuneContraction } from "./autotune.js";
export { candidateTiles } from "./candidates.js";
export type { ContractionDispatch, ContractionIO, ContractionPlan, ScratchIO } from "./io.js";
export { type ContractionOp, problemOf } from "./mappings.js";
export { type ContractionNode, type ContractionTypes, planContraction } from "./plan.js";
export { contractionKey } from "./tile.js";
export { adapterName, requireTiles, type TuneCache } from "./tune-cache.js";
export { type ContractionLimits, deviceTuning, type Tile, type Tuning } from "./tuning.js";

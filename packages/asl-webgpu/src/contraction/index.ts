export type { ContractionDispatch, ContractionIO, ContractionPlan, ScratchIO } from "./io.js";
export type { ContractionOp } from "./mappings.js";
export { type ContractionNode, type ContractionTypes, planContraction } from "./plan.js";
export type { ContractionLimits, Tile, Tuning } from "./tuning.js";

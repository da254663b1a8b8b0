export { ZooError } from "./errors.js";
export { type CachedModel, type FetchOptions, fetchModel } from "./fetch-model.js";
export type { CacheRecord } from "./record.js";
export { mirrored, settingsFrom, type ZooSettings } from "./settings.js";
export { isZooName, parseModels, ZOO_MODELS, type ZooModel, zooModel } from "./table.js";

export type { Command } from "@commander-js/extra-typings";
export { readAliases, VOC_TO_COCO } from "./aliases.js";
export { type AlignedDataset, type AlignOptions, alignClasses, sharedClasses } from "./align-classes.js";
export {
  type ArgumentParser,
  byteSize,
  calibrationGoal,
  existingFile,
  existingFolder,
  fraction,
  imageSize,
  matrixShape,
  milliseconds,
  nonNegativeNumber,
  oneOf,
  portNumber,
  positiveInteger,
  positiveNumber,
  refuse,
  stageBlocks,
  threadCount,
  wholeNumber,
} from "./arguments.js";
export {
  BACKEND_NAMES,
  BACKENDS,
  type BackendName,
  type BackendOptions,
  backendOption,
  openBackend,
} from "./backends.js";
export { COCO_CLASSES, type NamedClasses, nameClasses, readClassNames } from "./class-names.js";
export {
  type CommandContext,
  type CommandMain,
  type CommandText,
  createCommand,
  execute,
  type ParsedCommand,
  runCommand,
  type SharedOptions,
} from "./command.js";
export {
  aliasesOption,
  annotatedSources,
  datasetKindOption,
  difficultOption,
  existingData,
  findSources,
  type OpenSourceOptions,
  openSource,
  type SourceOptions,
  skipMissingOption,
} from "./dataset-sources.js";
export { describeError, InterruptedError, UsageError } from "./errors.js";
export { EXIT } from "./exit-codes.js";
export { type ExpandedPictures, expandPictures } from "./expand-pictures.js";
export { givenFlags } from "./given-flags.js";
export { fewInThisThread } from "./loader-threads.js";
export { type NumericsName, numericsOption } from "./numerics.js";
export {
  beginModel,
  DEFAULT_RESIZE_FILTER,
  type OpenedModel,
  type OpenModelOptions,
  openModel,
} from "./open-model.js";
export { formatDuration, type Progress, type ProgressOptions } from "./progress.js";
export { createReporter, type Reporter, type ReporterOptions } from "./reporter.js";
export { formatTable } from "./table.js";
export { readTextFile } from "./text-file.js";
export { versionOf } from "./version.js";
export { checkPlaceOf, checkPlaceOfFolder, writeFileAtomically, writeFolderAtomically } from "./write-file.js";
export {
  cacheDirOption,
  mirrorOption,
  modelArgument,
  offlineOption,
  publishedModelsText,
  type ResolvedModel,
  resolveModel,
  type ZooOptions,
} from "./zoo.js";

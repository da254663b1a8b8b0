export {
  type ArgumentParser,
  existingFile,
  existingFolder,
  fraction,
  imageSize,
  nonNegativeNumber,
  oneOf,
  positiveInteger,
  positiveNumber,
  stageBlocks,
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
export { describeError, InterruptedError, UsageError } from "./errors.js";
export { EXIT } from "./exit-codes.js";
export { formatDuration, type Progress, type ProgressOptions } from "./progress.js";
export { createReporter, type Reporter, type ReporterOptions } from "./reporter.js";
export { formatTable } from "./table.js";

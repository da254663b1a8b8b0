export {
  type AffineMatrix,
  type Colour,
  type GeometryOptions,
  type Interpolation,
  rotate,
  transformAffine,
} from "./augment/affine.js";
export {
  type Augmentation,
  type AugmentationStep,
  augmentationOf,
  type Cutout,
  type HorizontalFlip,
  type RandAugment,
} from "./augment/augmentation.js";
export { type CutMix, givesSoftTargets, type MixingStep, type MixUp } from "./augment/mixing.js";
export {
  applyOperation,
  MAX_MAGNITUDE,
  RAND_AUGMENT_OPERATIONS,
  type RandAugmentOperation,
} from "./augment/rand-augment.js";
export type { Dataset, DatasetItem, DatasetItems } from "./dataset.js";
export { type CocoDataset, type CocoItem, type CocoOptions, openCoco } from "./datasets/coco.js";
export { type CsvOptions, openCsv } from "./datasets/csv.js";
export { type FolderTreeOptions, openFolderTree } from "./datasets/folders.js";
export { csvSources, type LocatedSources, locateSources, SIGNS, type SplitNames } from "./datasets/locate.js";
export { type LocatedDataset, locateDataset, type PictureSet, USUAL_PLACES } from "./datasets/locate-coco.js";
export { type NusWideOptions, type NusWideSplit, openNusWide } from "./datasets/nus-wide.js";
export { type OpenImagesOptions, openOpenImages } from "./datasets/open-images.js";
export type { DatasetOptions, MissingPictures } from "./datasets/options.js";
export { DATASET_KINDS, type DatasetKind, type DatasetSource, describeSource, openDataset } from "./datasets/source.js";
export { openVoc, VOC_CLASSES, type VocDifficult, type VocOptions } from "./datasets/voc.js";
export { type DecodeOptions, decodePicture, decodePictureBytes } from "./decode.js";
export { type EmojiScenes, generateEmojiScenes } from "./emoji/generate.js";
export { ICON_FAMILIES, type IconFamily } from "./emoji/icons.js";
export { type EmojiScenesOptions, type EmojiSplit, emojiClassNames } from "./emoji/options.js";
export { DatasetError, PictureError, type PictureErrorReason } from "./errors.js";
export { type DatasetInspection, type InspectOptions, inspectDataset } from "./inspect/inspect.js";
export type { ClassStatistics, CoOccurrence, LabelStatistics } from "./inspect/label-statistics.js";
export type { BrokenPicture, PictureCheck, Quantiles } from "./inspect/picture-check.js";
export type { Suggestion } from "./inspect/suggest.js";
export type { Batch, SkippedPicture } from "./loader/batch.js";
export { createLoader, type EpochOptions, type Loader } from "./loader/loader.js";
export type { AugmentOptions, LoaderOptions } from "./loader/options.js";
export { type Picture, toTensor } from "./picture.js";
export { type ResizeFilter, resize } from "./resize.js";

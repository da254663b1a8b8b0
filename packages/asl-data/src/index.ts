export {
  type Augmentation,
  type AugmentationStep,
  augmentationOf,
  type Cutout,
  type HorizontalFlip,
} from "./augmentation.js";
export { type CocoDataset, type CocoItem, type CocoOptions, openCoco } from "./coco.js";
export type { Dataset, DatasetItem } from "./dataset.js";
export { type DecodeOptions, decodePicture, decodePictureBytes } from "./decode.js";
export { type EmojiScenes, generateEmojiScenes } from "./emoji/generate.js";
export { ICON_FAMILIES, type IconFamily } from "./emoji/icons.js";
export { type EmojiScenesOptions, type EmojiSplit, emojiClassNames } from "./emoji/options.js";
export { DatasetError, PictureError, type PictureErrorReason } from "./errors.js";
export type { Batch, SkippedPicture } from "./loader/batch.js";
export { createLoader, type EpochOptions, type Loader } from "./loader/loader.js";
export type { LoaderOptions } from "./loader/options.js";
export { type Picture, toTensor } from "./picture.js";
export { type ResizeFilter, resize } from "./resize.js";

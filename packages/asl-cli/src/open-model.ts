import {
  type Begun,
  beginCheckpoint,
  type Checkpoint,
  type CheckpointMetadata,
  type IsLater,
  inspectTresnet,
  matchState,
  type TresnetArchitecture,
  tresnetConfigOf,
} from "asl-checkpoint";
import { checkImageSize, type Model, type NetworkOptions, type Tensors, type TresnetConfig, tresnet } from "asl-core";
import { DEFAULT_THRESHOLD } from "asl-training";
import { nameClasses } from "./class-names.js";

export interface OpenModelOptions {
  /** Of a .pth that holds both; a checkpoint of this project holds one. */
  readonly weights?: "regular" | "ema";
  /** Names for the classes, in their order; default: the checkpoint's, COCO's for 80 classes, else "class 0", ... */
  readonly classNames?: readonly string[];
  /** Pixels; default: the checkpoint's, else 448. */
  readonly imageSize?: number;
  /** `exact`: the same bits on every backend, several times as slow. Default native. */
  readonly numerics?: NetworkOptions["numerics"];
}

/** A checkpoint as a model with weights, and how to use it. */
export interface OpenedModel {
  readonly file: string;
  readonly architecture: TresnetArchitecture;
  readonly config: TresnetConfig;
  readonly model: Model;
  /** Of `model`. */
  readonly numerics: NonNullable<NetworkOptions["numerics"]>;
  /** Exactly the model's state. */
  readonly state: Tensors;
  readonly classNames: readonly string[];
  /** `coco` and `numbered` are guesses: the file says no names. */
  readonly classNamesFrom: "given" | "checkpoint" | "coco" | "numbered";
  readonly imageSize: number;
  /** How its training resized pictures; bicubic when the file does not say. */
  readonly resizeFilter: "bicubic" | "bilinear";
  /** 0.8 when the file does not say. */
  readonly thresholds: number | readonly number[];
  /** How they were calibrated, if they were. */
  readonly calibration: string | undefined;
  /** Null unless this project wrote the file. */
  readonly metadata: CheckpointMetadata | null;
  /** What was found and assumed, one sentence each. */
  readonly notes: readonly string[];
}

const DEFAULT_IMAGE_SIZE = 448;
/** Of the official script that tags pictures. */
export const DEFAULT_RESIZE_FILTER = "bicubic";

/**
 * Opens any TResNet checkpoint (.pth, safetensors, this project's), recognised by its content.
 * @throws CheckpointError when the file is missing, damaged or no TResNet with a head
 * @throws InputError when the image size or class names do not fit
 */
export async function openModel(file: string, options: OpenModelOptions = {}): Promise<OpenedModel> {
  const { content, rest } = await beginModel(file, options, () => false);
  await rest;
  return content;
}

/** The same while numbers of large weights may still be on their way, as with `beginCheckpoint`. */
export async function beginModel(
  file: string,
  options: OpenModelOptions,
  isLater: IsLater,
): Promise<Begun<OpenedModel>> {
  if (options.imageSize !== undefined) checkImageSize(options.imageSize);
  const { weights } = options;
  const { content: checkpoint, rest } = await beginCheckpoint(file, {
    ...(weights === undefined ? {} : { weights }),
    isLater,
  });
  return { content: modelOf(file, checkpoint, options), rest };
}

function modelOf(file: string, checkpoint: Checkpoint, options: OpenModelOptions): OpenedModel {
  const architecture = checkpoint.architecture ?? inspectTresnet(checkpoint.tensors, file);
  const config = tresnetConfigOf(file, architecture);
  const { numerics = "native" } = options;
  const model = tresnet(config, { numerics });
  const types = Object.fromEntries(Object.entries(model.state).map(([name, { type }]) => [name, type]));
  const { tensors } = matchState(types, checkpoint.tensors, { file });
  const { metadata } = checkpoint;
  const classes = nameClasses(config.classes, { file, given: options.classNames, stored: checkpoint.classNames });
  const imageSize = options.imageSize ?? metadata?.imageSize ?? DEFAULT_IMAGE_SIZE;
  checkImageSize(imageSize);
  return {
    file,
    architecture,
    config,
    model,
    numerics,
    state: tensors,
    classNames: classes.names,
    classNamesFrom: classes.from,
    imageSize,
    resizeFilter: metadata?.resizeFilter ?? DEFAULT_RESIZE_FILTER,
    thresholds: metadata?.thresholds ?? DEFAULT_THRESHOLD,
    calibration: metadata?.calibration,
    metadata,
    notes: [
      `${file}: ${describe(architecture)}, ${config.classes} classes, ${imageSize} px`,
      ...checkpoint.notes,
      ...(numerics === "exact" ? ["exact numerics: the same bits on every backend, many times as slow"] : []),
      ...(classes.from === "coco" ? ["it names no classes; having 80, they are taken to be COCO's"] : []),
      ...(classes.from === "numbered" ? ["it names no classes; --classes FILE gives them names"] : []),
      ...(options.imageSize === undefined && metadata === null
        ? [`it says no image size; ${DEFAULT_IMAGE_SIZE} is assumed (--image-size)`]
        : []),
    ],
  };
}

function describe({ variant, blocks, planes }: TresnetArchitecture): string {
  return variant === "custom" ? `TResNet ${blocks.join(",")} of ${planes} planes` : variant;
}

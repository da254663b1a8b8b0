import { basename } from "node:path";
import { type Checkpoint, type JsonObject, matchState, readCheckpoint, tresnetConfigOf } from "asl-checkpoint";
import { alignClasses } from "asl-cli";
import { type Tensors, type TresnetConfig, tresnet, tresnetConfig } from "asl-core";
import type { Dataset } from "asl-data";
import type { TrainOptions } from "./command.js";

/** The checkpoint of --weights, before the network is known. */
export async function readStartingWeights({ weights }: TrainOptions): Promise<Checkpoint | undefined> {
  return weights === undefined ? undefined : await readCheckpoint(weights);
}

export interface StartingPoint {
  readonly config: TresnetConfig;
  readonly weights: Tensors;
  /** The training pictures, their classes in the order of the checkpoint's when its head is used. */
  readonly training: Dataset;
  readonly notes: readonly string[];
  readonly description: JsonObject;
}

/**
 * The network to train and the weights it starts with.
 * @throws CheckpointMismatchError when the checkpoint is of another network, or of other classes without --load-backbone
 */
export function startingPoint(
  options: TrainOptions,
  dataset: Dataset,
  checkpoint: Checkpoint | undefined,
): StartingPoint {
  const config = networkOf(options, dataset.classes.length, checkpoint);
  if (checkpoint === undefined || options.weights === undefined) {
    return { config, weights: {}, training: dataset, notes: [], description: { weights: null } };
  }
  const file = options.weights;
  const loadBackbone = options.loadBackbone === true;
  const types = Object.entries(tresnet(config).state).map(([name, { type }]) => [name, type] as const);
  const { tensors, notLoaded } = matchState(Object.fromEntries(types), checkpoint.tensors, { loadBackbone, file });
  const { classNames } = checkpoint;
  const aligned =
    loadBackbone || classNames === null
      ? { dataset, notes: [] }
      : alignClasses(dataset, { file, classNames, classNamesFrom: "checkpoint" });
  const fresh = notLoaded.length === 0 ? "" : `; ${notLoaded.length} tensors of the head start anew`;
  return {
    config,
    weights: tensors,
    training: aligned.dataset,
    notes: [`${file}: ${Object.keys(tensors).length} tensors loaded${fresh}`, ...checkpoint.notes, ...aligned.notes],
    description: { weights: basename(file), loadBackbone },
  };
}

/** --model, --blocks and --width; without any of them a checkpoint's own architecture, else TResNet-M. */
function networkOf(options: TrainOptions, classes: number, checkpoint: Checkpoint | undefined): TresnetConfig {
  const { model, blocks, width, headFeatures } = options;
  const architecture = checkpoint?.architecture;
  const named = model !== undefined || blocks !== undefined || width !== undefined;
  if (architecture != null && !named) {
    return {
      ...tresnetConfigOf(options.weights ?? "", { ...architecture, numClasses: classes }),
      ...headOf(headFeatures),
    };
  }
  return tresnetConfig(model ?? "tresnet_m", {
    classes,
    ...(blocks === undefined ? {} : { blocks }),
    ...(width === undefined ? {} : { widthFactor: width }),
    ...headOf(headFeatures),
  });
}

const headOf = (headFeatures: number | undefined) => (headFeatures === undefined ? {} : { headFeatures });

import type { JsonObject } from "asl-checkpoint";
import { emaName, InputError, initialTensors, type Model, type Session, type StateSpec, type Tensors } from "asl-core";
import type { TrainingRecipe } from "./recipe.js";
import type { TrainingOptions } from "./training-options.js";

/**
 * All that must be the same when a run goes on, as JSON. How many epochs it trains is not: the schedule says how the
 * weights change, and a run may stop earlier or later on it.
 */
export function setupOf(options: TrainingOptions, { epochs: _, ...recipe }: TrainingRecipe): JsonObject {
  const { model, imageSize, batchSize, resizeFilter, evaluationNumerics = "native", training, validation } = options;
  return {
    model: {
      blocks: [...model.blocks],
      planes: model.planes,
      basicStages: model.basicStages,
      classes: model.classes,
      headFeatures: model.headFeatures ?? null,
    },
    recipe: {
      ...recipe,
      priors: recipe.priors === null ? null : [...recipe.priors],
      classWeights: recipe.classWeights === null ? null : [...recipe.classWeights],
    },
    imageSize,
    batchSize,
    resizeFilter,
    evaluationNumerics,
    trainingPictures: training.itemCount,
    validationPictures: validation?.itemCount ?? 0,
    classNames: [...training.classes],
    data: options.dataDescription ?? {},
  };
}

/**
 * Writes the whole state before the first step: the model's own start, then `weights`; the moving average equals them.
 * Tensor by tensor, so that the state is not in memory twice.
 */
export async function writeStart(
  session: Pick<Session<string>, "write">,
  { model, state, seed, weights = {} }: { model: Model; state: StateSpec; seed: number; weights?: Tensors | undefined },
): Promise<void> {
  for (const name of Object.keys(weights)) {
    if (!Object.hasOwn(model.state, name)) throw new InputError(`training: the model has no weights "${name}"`);
  }
  const given: Tensors = {
    ...weights,
    ...Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [emaName(name), tensor])),
  };
  for (const [name, initial] of initialTensors(state, seed)) await session.write({ [name]: given[name] ?? initial });
}

import {
  type Backend,
  checkImageSize,
  evaluateProgram,
  f32,
  formatType,
  InputError,
  type Model,
  type Program,
  type Session,
  sizeOf,
  type TensorData,
  type Tensors,
} from "asl-core";
import type { Loader } from "asl-data";
import { locatingNonFinite } from "./errors.js";
import { type EvaluateOptions, evaluate } from "./evaluate.js";
import type { Predictions } from "./predictions.js";
import { sigmoidScores } from "./scores.js";

export interface PredictorOptions {
  readonly backend: Backend;
  readonly model: Model;
  /** Parameters and buffers of the model. */
  readonly state: Tensors;
  /** Height and width in pixels. */
  readonly imageSize: number;
  /** Most pictures of one run; fewer are padded. */
  readonly batchSize: number;
  /** Smaller numbers of pictures that are run with less padding; all share the weights. Default none. */
  readonly smallerBatches?: readonly number[];
  /** For messages. */
  readonly classNames: readonly string[];
}

export interface PredictedBatch {
  /** [pictures, classes], row-major. */
  readonly logits: Float32Array | Float64Array;
  /** Probabilities, [pictures, classes]. */
  readonly scores: Float32Array;
}

/** A network ready to score pictures. */
export interface Predictor extends AsyncDisposable {
  /**
   * images: f32[n,3,S,S] in [0,1] with 1 <= n <= batchSize. Throws InputError for another shape and DivergedError for
   * a logit that is not finite, naming the picture when `pictures` gives their names.
   */
  predict(images: TensorData, pictures?: readonly string[]): Promise<PredictedBatch>;
  /** Scores a whole dataset. The loader must have the predictor's batch and image size. */
  evaluate(loader: Loader, options?: EvaluateOptions): Promise<Predictions>;
}

/** Compiles the evaluation of `model` and loads its weights. */
export async function openPredictor(options: PredictorOptions): Promise<Predictor> {
  const { backend, model, state, imageSize, batchSize, smallerBatches = [] } = options;
  checkImageSize(imageSize);
  const wrong = smallerBatches.find((size) => !Number.isInteger(size) || size < 1 || size >= batchSize);
  if (wrong !== undefined) {
    throw new InputError(
      `openPredictor: smallerBatches must be from 1 to ${batchSize - 1} (batchSize - 1); got ${wrong}`,
    );
  }
  const sizes = [...new Set(smallerBatches)].sort((a, b) => a - b);
  const programs: Record<string, Program> = { evaluate: evaluateProgram({ model, batchSize, imageSize }) };
  for (const size of sizes) programs[programOf(size)] = evaluateProgram({ model, batchSize: size, imageSize });
  const session = await backend.compile<string>(model.state, programs);
  try {
    await session.write(state);
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
  return new SessionPredictor(session, options, sizes);
}

const programOf = (size: number) => `evaluate ${size}`;

class SessionPredictor implements Predictor {
  constructor(
    private readonly session: Session<string>,
    private readonly options: PredictorOptions,
    /** Below batchSize, ascending. */
    private readonly smaller: readonly number[],
  ) {}

  async predict(images: TensorData, pictures: readonly string[] = []): Promise<PredictedBatch> {
    const { model, batchSize, imageSize, classNames } = this.options;
    const [count = 0, ...rest] = images.type.shape;
    const fits = rest.join() === [3, imageSize, imageSize].join() && count >= 1 && count <= batchSize;
    if (images.type.dtype !== "f32" || !fits) {
      throw new InputError(
        `predict: images must be f32[1..${batchSize},3,${imageSize},${imageSize}]; got ${formatType(images.type)}`,
      );
    }
    const rows = this.smaller.find((size) => size >= count) ?? batchSize;
    const place = {
      during: "prediction",
      pictures,
      classNames,
      shape: [rows, model.classes],
      advice: "The weights of the model are damaged.",
    };
    const feeds = { images: this.#padded(images, rows) };
    const program = rows === batchSize ? "evaluate" : programOf(rows);
    const { logits } = await locatingNonFinite(place, () => this.session.run(program, feeds));
    const { data } = logits!;
    const real = data.slice(0, count * model.classes);
    return {
      logits: real instanceof Float64Array ? real : Float32Array.from(real),
      scores: sigmoidScores(real),
    };
  }

  async evaluate(loader: Loader, options?: EvaluateOptions): Promise<Predictions> {
    const { evaluate: predictions } = await evaluate<"evaluate">(this.session, ["evaluate"], loader, options);
    return predictions;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session[Symbol.asyncDispose]();
  }

  /** A batch that is not full gets zero pictures; evaluation treats every row by itself. */
  #padded(images: TensorData, rows: number): TensorData {
    const { imageSize } = this.options;
    const shape = [rows, 3, imageSize, imageSize];
    if (images.type.shape[0] === rows) return images;
    const padded = new Float32Array(sizeOf(shape));
    padded.set(images.data);
    return f32(shape, padded);
  }
}

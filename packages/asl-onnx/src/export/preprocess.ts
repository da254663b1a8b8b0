import { InputError } from "asl-core";
import type { ModelProto, NodeProto, TensorProto, ValueInfoProto } from "../proto/messages.js";
import { ATTRIBUTE_TYPE, type AttributeProto, DATA_TYPE, type DimensionProto } from "../proto/messages.js";
import { int64Proto, tensorProto } from "../proto/tensors.js";
import { toOpset18 } from "./opset-18.js";

export interface PreprocessOptions {
  /** Side of the network's square input in pixels. */
  readonly imageSize: number;
  readonly resizeFilter: "bicubic" | "bilinear";
  /** Score above which a class counts as present: one for all, or one per class. */
  readonly thresholds: number | readonly number[];
}

/** Names of the ends of a model with preprocessing. */
export const PREPROCESSED = { pictures: "images", scores: "scores", labels: "labels" } as const;

/**
 * A classifier f32[batch,3,S,S] -> logits f32[batch,classes] with what stands around it put into the graph (opset 18,
 * the first whose Resize is antialiased):
 *   images u8[batch,height,width,3], decoded RGB pictures of one size, any
 *   x = resize(images, S x S) in bytes, / 255
 *   scores f32[batch,classes] = sigmoid(logits);  labels bool[batch,classes] = scores > thresholds
 * The filters are Pillow's (bicubic with a = -0.5). ONNX Runtime's bytes are at most 1 of 255 from Pillow's: it computes
 * weights in f32, so that a sum close to the middle of two bytes may fall to the other side. They are the same for
 * extents in a ratio of a power of two; a picture that is S x S already is taken as it is.
 * Throws InputError for a model of another form.
 */
export function withPreprocess(model: ModelProto, options: PreprocessOptions): ModelProto {
  const { imageSize: size } = options;
  const { graph, opsetImport, ...rest } = toOpset18(model);
  const [input, output] = [only(graph.input, "input"), only(graph.output, "output")];
  const [batch, channels, height, width] = dimensions(input);
  const [, classes] = dimensions(output);
  if (channels?.dimValue !== 3 || height?.dimValue !== size || width?.dimValue !== size || classes === undefined) {
    throw new InputError(
      `preprocessing: a model f32[batch,3,${size},${size}] -> f32[batch,classes] is needed; its "${input.name}" is ` +
        `[${dimensions(input).map(shown)}], its "${output.name}" [${dimensions(output).map(shown)}]`,
    );
  }
  const before = preprocessing(options);
  const after = postprocessing(output.name, thresholdsOf(options.thresholds, classes.dimValue));
  const renamed = (name: string) => (name === input.name ? before.result : name);
  const network = graph.node.map((node) => ({ ...node, input: node.input.map(renamed) }));
  const rows: DimensionProto[] = [batch!, classes];
  return {
    ...rest,
    opsetImport,
    graph: {
      ...graph,
      node: [...before.node, ...network, ...after.node],
      initializer: [...before.initializer, ...graph.initializer, ...after.initializer],
      input: [
        valueInfo(PREPROCESSED.pictures, DATA_TYPE.uint8, [
          ...[batch!, { dimParam: "height" }, { dimParam: "width" }, { dimValue: 3 }],
        ]),
      ],
      output: [
        valueInfo(PREPROCESSED.scores, DATA_TYPE.float, rows),
        valueInfo(PREPROCESSED.labels, DATA_TYPE.bool, rows),
      ],
    },
    metadataProps: [
      ...(rest.metadataProps ?? []).filter(({ key }) => key !== "preprocessing" && key !== "postprocessing"),
      { key: "preprocessing", value: "in the graph: decoded RGB pictures u8[batch,height,width,3] of one size" },
      { key: "postprocessing", value: "in the graph: scores in [0,1]; labels say which are above their thresholds" },
    ],
  };
}

interface Part {
  readonly node: NodeProto[];
  readonly initializer: TensorProto[];
  /** The tensor that comes out. */
  readonly result: string;
}

/** u8[batch,height,width,3] -> f32[batch,3,S,S] in [0,1]. */
function preprocessing({ imageSize: size, resizeFilter }: PreprocessOptions): Part {
  const part = new PartWriter("preprocess");
  // Resize in bytes: with integers ONNX Runtime does as Pillow, rounding between the two passes
  const planes = part.emit("Transpose", [PREPROCESSED.pictures], [ints("perm", [0, 3, 1, 2])]);
  const shape = part.emit("Shape", [PREPROCESSED.pictures], [int("start", 0), int("end", 1)]);
  const target = part.int64("target", [3, size, size]);
  const sizes = part.emit("Concat", [shape, target], [int("axis", 0)]);
  const filter =
    resizeFilter === "bicubic" ? [string("mode", "cubic"), float("cubic_coeff_a", -0.5)] : [string("mode", "linear")];
  const resized = part.emit(
    "Resize",
    [planes, "", "", sizes],
    [
      ...[int("antialias", 1), string("coordinate_transformation_mode", "half_pixel"), int("exclude_outside", 1)],
      ...filter,
    ],
  );
  const real = part.emit("Cast", [resized], [int("to", DATA_TYPE.float)]);
  return part.finish(part.emit("Div", [real, part.float32("largest", [], [255])], []));
}

/** Logits -> scores and labels. */
function postprocessing(logits: string, thresholds: Float32Array): Part {
  const part = new PartWriter("postprocess");
  // p = e^min(x, 0) / (1 + e^-|x|): ONNX Runtime's Sigmoid is far off for small probabilities
  const limited = part.emit("Min", [logits, part.float32("zero", [], [0])], []);
  const negated = part.emit("Neg", [part.emit("Abs", [logits], [])], []);
  const denominator = part.emit("Add", [part.emit("Exp", [negated], []), part.float32("one", [], [1])], []);
  const scores = part.emit("Div", [part.emit("Exp", [limited], []), denominator], [], PREPROCESSED.scores);
  const values = part.float32("thresholds", [thresholds.length], thresholds);
  return part.finish(part.emit("Greater", [scores, values], [], PREPROCESSED.labels));
}

/** The largest f32 that is not above each threshold: an f32 score is above both or neither. */
function thresholdsOf(thresholds: number | readonly number[], classes: number | undefined): Float32Array {
  const list = typeof thresholds === "number" ? [thresholds] : thresholds;
  if (typeof thresholds !== "number" && list.length !== classes) {
    throw new InputError(`preprocessing: ${list.length} thresholds for ${classes} classes; give one for each`);
  }
  return Float32Array.from(list, (threshold) => {
    const near = Math.fround(threshold);
    // Thresholds are from 0 to 1: the next smaller positive f32 has the next smaller bits
    if (near <= threshold) return near;
    return new Float32Array(Uint32Array.of(new Uint32Array(Float32Array.of(near).buffer)[0]! - 1).buffer)[0]!;
  });
}

class PartWriter {
  readonly #node: NodeProto[] = [];
  readonly #initializer: TensorProto[] = [];
  readonly #counts = new Map<string, number>();

  constructor(readonly scope: string) {}

  emit(opType: string, input: string[], attribute: AttributeProto[], output?: string): string {
    const count = this.#counts.get(opType) ?? 0;
    this.#counts.set(opType, count + 1);
    const name = `${this.scope}/${opType}${count === 0 ? "" : `_${count}`}`;
    this.#node.push({ name, opType, input, output: [output ?? name], attribute });
    return output ?? name;
  }

  float32(name: string, dims: number[], values: ArrayLike<number>): string {
    return this.#constant(tensorProto(`${this.scope}/${name}`, DATA_TYPE.float, dims, Float32Array.from(values)));
  }

  int64(name: string, values: readonly number[]): string {
    return this.#constant(int64Proto(`${this.scope}/${name}`, values));
  }

  finish(result: string): Part {
    return { node: this.#node, initializer: this.#initializer, result };
  }

  #constant(tensor: TensorProto): string {
    this.#initializer.push(tensor);
    return tensor.name;
  }
}

const int = (name: string, i: number): AttributeProto => ({ name, type: ATTRIBUTE_TYPE.int, i });
const float = (name: string, f: number): AttributeProto => ({ name, type: ATTRIBUTE_TYPE.float, f });
const ints = (name: string, values: number[]): AttributeProto => ({ name, type: ATTRIBUTE_TYPE.ints, ints: values });
const string = (name: string, s: string): AttributeProto => ({
  ...{ name, type: ATTRIBUTE_TYPE.string, s: new TextEncoder().encode(s) },
});

const valueInfo = (name: string, elemType: number, dim: DimensionProto[]): ValueInfoProto => ({
  ...{ name, type: { tensorType: { elemType, shape: { dim } } } },
});

const dimensions = ({ type }: ValueInfoProto): readonly DimensionProto[] => type.tensorType.shape?.dim ?? [];

const shown = ({ dimValue, dimParam }: DimensionProto) => dimValue ?? dimParam ?? "?";

function only(values: readonly ValueInfoProto[], what: string): ValueInfoProto {
  const [first, ...more] = values;
  if (first !== undefined && more.length === 0) return first;
  throw new InputError(`preprocessing: a model with one ${what} is needed; it has ${values.map(({ name }) => name)}`);
}

import { readFile } from "node:fs/promises";
import { DEFAULT_RESIZE_FILTER, describeError, nameClasses, UsageError } from "asl-cli";
import { InputError, type TensorData } from "asl-core";
import { type ByteTensor, type OnnxModelSession, PREPROCESSED, parseClassifierMetadata } from "asl-onnx";
import { DEFAULT_THRESHOLD } from "asl-training";
import type { Classifier, ClassifierOptions } from "./classifier.js";
import { assertNumbers, sigmoid, upTo } from "./scores.js";

/** A dimension of an ONNX input or output: a number, or a name for any number. */
type Dimension = number | string;

/**
 * A classifier from an ONNX file: one input f32[batch,3,S,S] in [0,1], one output f32[batch,classes] of logits. Class
 * names, thresholds, image size and filter come from the file's metadata; what is not there comes from the options or
 * is assumed, with a note. Or of asl-export --with-preprocess: one input u8[batch,height,width,3], an output of scores;
 * its own resize has nothing to do, for pictures come in the network's size.
 */
export async function openOnnxClassifier(file: string, options: ClassifierOptions): Promise<Classifier> {
  if (options.weights !== undefined)
    throw new UsageError("--weights: an ONNX file holds one set of weights; leave it out");
  if (options.numerics !== undefined)
    throw new UsageError(
      "--numerics: an ONNX file holds its own arithmetic; export it with --numerics, and leave it out here",
    );
  const session = await openSession(file, options.backend);
  try {
    return classifierOf(file, session, options);
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

function classifierOf(file: string, session: OnnxModelSession, options: ClassifierOptions): Classifier {
  const notes: string[] = [];
  const metadata = parseClassifierMetadata(file, session.metadata);
  const input = inputOf(file, session);
  const output = outputOf(file, session, input.bytes ? PREPROCESSED.scores : "logits");
  const given = options.classNames;
  const { names: classNames, from } = nameClasses(output.classes, { file, given, stored: metadata.labels ?? null });
  if (from === "coco") notes.push(`${file}: names no classes; having 80, they are taken to be COCO's`);
  if (from === "numbered") notes.push(`${file}: names no classes; --classes FILE gives them names`);
  if (Array.isArray(metadata.thresholds)) checkCount(file, "thresholds", metadata.thresholds.length, classNames.length);
  const imageSize = imageSizeOf(file, input.size, metadata.imageSize, options.imageSize);
  if (metadata.resizeFilter === undefined) {
    const kind = input.bytes ? "scores" : "logits";
    notes.push(
      `${file}: no resize filter in its metadata; assuming ${DEFAULT_RESIZE_FILTER} and output "${output.name}" to hold ${kind}`,
    );
  }
  const [batchSize, batchSizes] =
    typeof input.batch === "number" ? [input.batch, [input.batch]] : [options.batchSize, upTo(options.batchSize)];
  return {
    classNames,
    thresholds: metadata.thresholds ?? DEFAULT_THRESHOLD,
    calibration: metadata.thresholdCalibration,
    imageSize,
    resizeFilter: metadata.resizeFilter ?? DEFAULT_RESIZE_FILTER,
    batchSize,
    batchSizes,
    notes,
    async scores(images, pictures) {
      const outputs = await session.run({ [input.name]: input.bytes ? bytesOfPictures(images) : images });
      const result = outputs[output.name]!.data;
      assertNumbers(result, { file, what: input.bytes ? "score" : "logit", pictures, classNames });
      return input.bytes ? Float32Array.from(result) : Float32Array.from(result, sigmoid);
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

async function openSession(file: string, backend: ClassifierOptions["backend"]): Promise<OnnxModelSession> {
  if (backend !== "onnx" && backend !== "onnx-web") {
    throw new UsageError(`--backend ${backend}: it does not read ONNX files such as ${file}; use onnx or onnx-web`);
  }
  const bytes = await bytesOf(file);
  try {
    if (backend === "onnx") return await (await import("asl-onnx/node")).openOnnxModelNode(bytes);
    return await (await import("asl-onnx/web")).openOnnxModelWeb(bytes);
  } catch (error) {
    throw new InputError(`${file}: ${describeError(error)}`, { cause: error });
  }
}

async function bytesOf(file: string): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new InputError(describeError(error), { cause: error });
  }
  if (bytes.length === 0) throw new InputError(`${file}: the file is empty (0 bytes). Copy or export it again.`);
  return bytes;
}

/** f32[n,3,S,S] in [0,1], value / 255, back to the decoded bytes u8[n,S,S,3]. */
function bytesOfPictures({ type: { shape }, data: pixels }: TensorData): ByteTensor {
  const [batch = 0, , size = 0] = shape;
  const data = new Uint8Array(pixels.length);
  const plane = size * size;
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3);
    const picture = Math.floor(pixel / plane);
    data[i] = Math.round(pixels[(3 * picture + (i % 3)) * plane + (pixel % plane)]! * 255);
  }
  return { type: { dtype: "u8", shape: [batch, size, size, 3] }, data };
}

interface PictureInput {
  readonly name: string;
  readonly batch: Dimension;
  readonly size: Dimension;
  /** u8[batch,height,width,3] of any height and width; else f32[batch,3,S,S]. */
  readonly bytes: boolean;
}

function inputOf(file: string, { inputs, metadata }: OnnxModelSession): PictureInput {
  const entries = Object.entries(inputs);
  const [name, type] = entries[0] ?? ["", undefined];
  if (entries.length === 1 && type?.dtype === "u8" && type.shape.length === 4 && type.shape[3] === 3) {
    return { name, batch: type.shape[0]!, size: Number(metadata.image_size) || "any", bytes: true };
  }
  const [batch, channels, height, width] = type?.shape ?? [];
  const isPicture = type?.shape.length === 4 && type.dtype === "f32" && channels === 3;
  const square = height === width || typeof height === "string" || typeof width === "string";
  if (entries.length !== 1 || !isPicture || !square || batch === undefined || height === undefined) {
    throw new InputError(
      `${file}: expected one input f32[batch,3,S,S] or u8[batch,height,width,3]; found ${listed(inputs)}`,
    );
  }
  return { name, batch, size: height, bytes: false };
}

function outputOf(file: string, { outputs }: OnnxModelSession, wanted: string): { name: string; classes: number } {
  const matrices = Object.entries(outputs).filter(([, { shape }]) => shape.length === 2);
  const [name, type] = matrices.find(([each]) => each === wanted) ?? matrices[0] ?? ["", undefined];
  const classes = type?.shape[1];
  if (typeof classes !== "number") {
    throw new InputError(`${file}: expected an output f32[batch,classes]; found ${listed(outputs)}`);
  }
  return { name, classes };
}

function imageSizeOf(file: string, fixed: Dimension, said: number | undefined, asked: number | undefined): number {
  if (typeof fixed === "number" && asked !== undefined && asked !== fixed) {
    throw new InputError(
      `--image-size ${asked}: ${file} was exported for pictures of ${fixed} x ${fixed}. Leave the option out, or ` +
        `export again with --image-size ${asked}.`,
    );
  }
  if (typeof fixed === "number") return fixed;
  const size = asked ?? said;
  if (size === undefined)
    throw new InputError(`${file} does not say the size of its pictures. Give it with --image-size.`);
  return size;
}

function checkCount(file: string, what: string, found: number, expected: number): void {
  if (found === expected) return;
  throw new InputError(
    `${file}: the model has ${expected} classes, but there are ${found} ${what}. Give one for each class.`,
  );
}

function listed(values: OnnxModelSession["inputs"]): string {
  const parts = Object.entries(values).map(([name, { dtype, shape }]) => `"${name}" ${dtype}[${shape.join(",")}]`);
  return parts.length === 0 ? "none" : parts.join(", ");
}

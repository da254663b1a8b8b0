import { readFile } from "node:fs/promises";
import path from "node:path";
import { tresnetConfigOf } from "asl-checkpoint";
import { checkpointBytes, readCheckpointBytes } from "asl-checkpoint/browser";
import { evaluateProgram, f32, tresnet } from "asl-core";
import { decodePicture, generateEmojiScenes, resize, toTensor } from "asl-data";
import { exportOnnx } from "asl-onnx";
import { onnxNodeBackend } from "asl-onnx/node";

/** Emoji scenes as PNG files. */
export async function drawScenes(folder: string, scenes: number): Promise<readonly string[]> {
  await generateEmojiScenes({ out: folder, split: "val", scenes, imageSize: 96, seed: 5 });
  return Array.from({ length: scenes }, (_, i) =>
    path.join(folder, "pictures", `${String(i + 1).padStart(6, "0")}.png`),
  );
}

const CHECKPOINT = new URL("../../../fixtures/models/tresnet_tiny/checkpoint.pth", import.meta.url);
export const CHECKPOINT_SIZE = 64;

/** A tiny network of 20 classes as this project writes it, made from the one of the goldens. */
export async function tinyCheckpoint(): Promise<Buffer> {
  const { tensors, architecture, classNames } = await readCheckpointBytes(await readFile(CHECKPOINT), "tiny");
  const bytes = await checkpointBytes("tiny.safetensors", {
    tensors,
    metadata: {
      model: { ...architecture!, numClasses: 20 },
      classNames: classNames!,
      thresholds: classNames!.map((_, i) => 0.4 + i / 50),
      imageSize: CHECKPOINT_SIZE,
      resizeFilter: "bilinear",
      recipe: {},
      step: 0,
      epoch: 0,
      metrics: {},
      weights: "ema",
    },
  });
  return Buffer.from(bytes);
}

/** Probabilities by class name as the command line computes them: sharp, ONNX Runtime in Node. */
export async function scoresInNode(checkpoint: Uint8Array, picture: string): Promise<ReadonlyMap<string, number>> {
  const { tensors, architecture, classNames } = await readCheckpointBytes(checkpoint, "tiny");
  const model = tresnet(tresnetConfigOf("tiny", architecture!));
  const program = evaluateProgram({ model, batchSize: 1, imageSize: CHECKPOINT_SIZE });
  await using session = await onnxNodeBackend().compile(model.state, { program });
  await session.write(tensors);
  const pixels = new Float32Array(3 * CHECKPOINT_SIZE ** 2);
  toTensor(resize(await decodePicture(picture), CHECKPOINT_SIZE, CHECKPOINT_SIZE, "bilinear"), pixels);
  const images = f32([1, 3, CHECKPOINT_SIZE, CHECKPOINT_SIZE], pixels);
  const { logits } = await session.run("program", { images });
  return new Map(classNames!.map((name, i) => [name, 1 / (1 + Math.exp(-logits!.data[i]!))]));
}

/** The same network as a file that `asl-export` writes, fixed to the pictures' size. */
export async function tinyOnnx(checkpoint: Uint8Array): Promise<Uint8Array> {
  const { tensors, architecture, classNames } = await readCheckpointBytes(checkpoint, "tiny");
  const model = tresnet(tresnetConfigOf("tiny", architecture!));
  return exportOnnx({
    graph: (batchSize) => evaluateProgram({ model, batchSize, imageSize: CHECKPOINT_SIZE }).graph,
    state: tensors,
    batch: "dynamic",
    metadata: { labels: JSON.stringify(classNames), image_size: `${CHECKPOINT_SIZE}`, resize_filter: "bilinear" },
  });
}

import {
  alignClasses,
  type CommandContext,
  fewInThisThread,
  findSources,
  type OpenedModel,
  openSource,
  UsageError,
} from "asl-cli";
import { createLoader, type Loader } from "asl-data";
import type { OnnxModelSession } from "asl-onnx";
import { type Predictions, sigmoidScores, validationReport } from "asl-training";

/** Percent, over the same pictures. */
export interface MeasuredMap {
  readonly pictures: number;
  readonly float32: number;
  readonly int8: number;
}

export interface MeasureMapOptions {
  readonly float: Uint8Array;
  readonly int8: Uint8Array;
  readonly model: OpenedModel;
  readonly folder: string;
  readonly annotations: string;
  readonly batchSize: number;
}

/** Mean average precision of both files on the annotated pictures of the folder. */
export async function measureMap(options: MeasureMapOptions, context: CommandContext): Promise<MeasuredMap> {
  const { float, int8, model, folder, annotations, batchSize } = options;
  const { report, signal } = context;
  const { train, val, whole } = await findSources(folder, { annotations });
  const source = val ?? whole ?? train;
  if (source === undefined) throw new UsageError(`--annotations ${annotations}: no pictures of ${folder} in it`);
  const pictures = await openSource(source, { difficult: "ignore" }, { report, signal });
  const { dataset, notes } = alignClasses(pictures, model);
  for (const note of notes) report.note(note);
  const { imageSize, resizeFilter: filter } = model;
  const { openOnnxModelNode } = await import("asl-onnx/node");
  const measured: number[] = [];
  const progress = report.progress({ label: "mAP", total: 2 * dataset.items.length, unit: "images" });
  try {
    for (const [index, bytes] of [float, int8].entries()) {
      await using loader = createLoader(dataset, { imageSize, batchSize, filter, signal, ...fewInThisThread(dataset) });
      await using file = await openOnnxModelNode(bytes);
      const onProgress = (done: number) => progress.update(index * dataset.items.length + done);
      measured.push(validationReport(await predict(file, loader, onProgress), 0.5).mAP);
    }
  } finally {
    progress.stop();
  }
  return { pictures: dataset.items.length, float32: measured[0]!, int8: measured[1]! };
}

async function predict(
  file: OnnxModelSession,
  loader: Loader,
  onProgress: (done: number) => void,
): Promise<Predictions> {
  const classes = loader.classes.length;
  const pictures: string[] = [];
  const scores = new Float32Array(loader.itemCount * classes);
  const targets = new Float32Array(loader.itemCount * classes);
  for await (const batch of loader.epoch(0)) {
    const { logits } = await file.run({ images: batch.images });
    const real = batch.names.length * classes;
    const at = pictures.length * classes;
    scores.set(sigmoidScores(logits!.data.subarray(0, real)), at);
    targets.set(batch.targets.data.subarray(0, real), at);
    pictures.push(...batch.names);
    onProgress(pictures.length);
  }
  return { classNames: loader.classes, pictures, scores, targets };
}

import { type OpenedModel, openBackend } from "asl-cli";
import { AslError } from "asl-core";
import {
  type Agreement,
  CHECKED_BATCHES,
  largestDifference,
  measureAgreement,
  samePictures,
  scoreBound,
} from "./agreement.js";

export interface VerifyOptions {
  readonly model: OpenedModel;
  readonly batch: number | "dynamic";
  /** For errors: what is not written. */
  readonly out: string;
  readonly signal: AbortSignal;
}

const batchesOf = (batch: number | "dynamic"): readonly number[] => (batch === "dynamic" ? CHECKED_BATCHES : [batch]);

const WHY = {
  f32: "This is a mistake in the export: please report it with the checkpoint. --no-verify writes the file all the same.",
  f16:
    "The network in float32 agrees with the session, so half precision is too coarse for these weights: leave " +
    "--fp16 out, or write the file all the same with --no-verify.",
} as const;

/** Runs the bytes of a file beside the session. Throws AslError when they differ by more than rounding explains. */
export async function verifyWithSession(
  bytes: Uint8Array,
  precision: "f32" | "f16",
  { model, batch, out, signal }: VerifyOptions,
): Promise<readonly Agreement[]> {
  const { openOnnxModelNode } = await import("asl-onnx/node");
  await using file = await openOnnxModelNode(bytes);
  const backend = await openBackend("onnx");
  const { imageSize } = model;
  const agreements = await measureAgreement({
    ...{ model, backend, file, imageSize, batches: batchesOf(batch), precision, signal },
  });
  const worst = agreements.find(({ maxError, bound }) => !(maxError <= bound));
  if (worst === undefined) return agreements;
  throw new AslError(
    "ERR_ASL_EXPORT",
    `${out}: not written. At batch ${worst.batch} the exported model's outputs differ from the session's by ` +
      `${worst.maxError.toExponential(2)}, more than the bound of ${worst.bound.toExponential(2)}. ${WHY[precision]}`,
  );
}

/**
 * The file that will be written is opened and run. With preprocessing its scores must be the sigmoids of the quantised
 * network's logits; without it is that network. Throws AslError when they are not, or are no numbers.
 */
export async function verifyQuantized(
  bytes: Uint8Array,
  network: Uint8Array,
  { model, batch, out, signal }: VerifyOptions,
): Promise<void> {
  const { openOnnxModelNode } = await import("asl-onnx/node");
  await using file = await openOnnxModelNode(bytes);
  await using expected = await openOnnxModelNode(network);
  const makesScores = file.outputs.scores !== undefined;
  for (const rows of batchesOf(batch)) {
    signal.throwIfAborted();
    const { pictures, images } = samePictures(rows, model.imageSize);
    const { logits } = await expected.run({ images });
    const found = await file.run({ images: makesScores ? pictures : images });
    const [wanted, got] = makesScores
      ? [Array.from(logits!.data, sigmoid), found.scores!]
      : [logits!.data, found.logits!];
    const difference = largestDifference(wanted, got);
    const bound = makesScores ? scoreBound(0) : 0;
    if (difference <= bound) continue;
    throw new AslError(
      "ERR_ASL_EXPORT",
      `${out}: not written. At batch ${rows} its outputs differ from the quantised network's by ` +
        `${difference.toExponential(2)}, more than the bound of ${bound.toExponential(2)}. ${WHY.f32}`,
    );
  }
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

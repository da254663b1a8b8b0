import type { KeyScheme } from "asl-checkpoint";
import { type NumericsName, UsageError } from "asl-cli";

export const FORMATS = ["onnx", "safetensors"] as const;
export type Format = (typeof FORMATS)[number];

/** Options of which not every combination makes sense. */
export interface OutputOptions {
  readonly out: string;
  readonly format?: Format | undefined;
  readonly names?: KeyScheme | undefined;
  readonly batch: number | "dynamic";
  readonly numerics?: NumericsName | undefined;
  readonly verify: boolean;
  readonly int8?: true | undefined;
  readonly fp16?: true | undefined;
  readonly withPreprocess?: true | undefined;
}

/** What is written: as asked for, else as the file's name ends, else ONNX. */
export const formatOf = ({ format, out }: Pick<OutputOptions, "format" | "out">): Format =>
  format ?? (out.toLowerCase().endsWith(".safetensors") ? "safetensors" : "onnx");

/** Throws UsageError for options that make no sense together, with what to do. */
export function checkCombination(options: OutputOptions): void {
  if (formatOf(options) === "onnx") {
    if (options.names !== undefined) {
      throw new UsageError(
        `--names ${options.names}: an ONNX file has no state dict to name; add --format safetensors, or leave it out`,
      );
    }
    if (options.fp16 === true && options.int8 === true) {
      throw new UsageError("--fp16, --int8: a network is in one of the two; leave one out");
    }
    if (options.fp16 === true && options.numerics === "exact") {
      throw new UsageError("--fp16 goes without --numerics exact: half precision has the bits of no other network");
    }
    return;
  }
  const ofGraphs = {
    "--batch": options.batch !== "dynamic",
    "--numerics": options.numerics !== undefined,
    "--no-verify": !options.verify,
    "--int8": options.int8 === true,
    "--fp16": options.fp16 === true,
    "--with-preprocess": options.withPreprocess === true,
  };
  const wrong = Object.entries(ofGraphs).flatMap(([option, given]) => (given ? [option] : []));
  if (wrong.length > 0) {
    throw new UsageError(`${wrong.join(", ")}: a safetensors file holds weights, not a graph; leave it out`);
  }
}

import { UsageError } from "asl-cli";
import type { ExportOptions } from "./command.js";

export const FORMATS = ["onnx", "safetensors"] as const;
export type Format = (typeof FORMATS)[number];

/** What is written: as asked for, else as the file's name ends, else ONNX. */
export const formatOf = ({ format, out }: Pick<ExportOptions, "format" | "out">): Format =>
  format ?? (out.toLowerCase().endsWith(".safetensors") ? "safetensors" : "onnx");

/** Throws UsageError for options that make no sense together, with what to do. */
export function checkCombination(options: ExportOptions): void {
  if (formatOf(options) === "onnx") {
    if (options.names !== undefined) {
      throw new UsageError(
        `--names ${options.names}: an ONNX file has no state dict to name; add --format safetensors, or leave it out`,
      );
    }
    return;
  }
  const ofGraphs = {
    "--batch": options.batch !== "dynamic",
    "--numerics": options.numerics !== undefined,
    "--no-verify": !options.verify,
  };
  const wrong = Object.entries(ofGraphs).flatMap(([option, given]) => (given ? [option] : []));
  if (wrong.length > 0) {
    throw new UsageError(`${wrong.join(", ")}: a safetensors file holds weights, not a graph; leave it out`);
  }
}

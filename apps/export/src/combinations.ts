import type { KeyScheme } from "asl-checkpoint";
import { type NumericsName, UsageError } from "asl-cli";
import type { Int8Options } from "./int8.js";
import type { Target } from "./target/target.js";

export const FORMATS = ["onnx", "safetensors"] as const;
export type Format = (typeof FORMATS)[number];

/** Options of which not every combination makes sense. */
export interface OutputOptions extends Int8Options {
  readonly out: string;
  readonly target?: Target | undefined;
  readonly format?: Format | undefined;
  readonly names?: KeyScheme | undefined;
  readonly numerics?: NumericsName | undefined;
  readonly verify: boolean;
  readonly fp16?: true | undefined;
  readonly withPreprocess?: true | undefined;
}

/** What is written: as asked for, else as the file's name ends, else ONNX. */
export const formatOf = ({ format, out }: Pick<OutputOptions, "format" | "out">): Format =>
  format ?? (out.toLowerCase().endsWith(".safetensors") ? "safetensors" : "onnx");

/** Flags of the quantisation that were given, beside --int8 itself. */
const quantisationFlags = (options: Int8Options): Readonly<Record<string, boolean>> => ({
  "--calibrate": options.calibrate !== undefined,
  "--calibrate-count": options.calibrateCount !== undefined,
  "--calibration": options.calibration !== undefined,
  "--weight-bits": options.weightBits !== undefined,
  "--no-bias-correction": !options.biasCorrection,
  "--max-error": options.maxError !== undefined,
  "--annotations": options.annotations !== undefined,
});

const given = (flags: Readonly<Record<string, boolean>>): string =>
  Object.entries(flags)
    .flatMap(([flag, isGiven]) => (isGiven ? [flag] : []))
    .join(", ");

/** Throws UsageError for options that make no sense together, with what to do. */
export function checkCombination(options: OutputOptions): void {
  if (formatOf(options) === "onnx") checkGraphOptions(options);
  else checkWeightsOptions(options);
}

function checkGraphOptions(options: OutputOptions): void {
  const { names, int8, fp16, numerics, calibrate } = options;
  if (names !== undefined) {
    throw new UsageError(
      `--names ${names}: an ONNX file has no state dict to name; add --format safetensors, or leave it out`,
    );
  }
  if (fp16 === true && int8 === true) {
    throw new UsageError("--fp16, --int8: a network is in one of the two; leave one out");
  }
  if (fp16 === true && numerics === "exact") {
    throw new UsageError("--fp16 goes without --numerics exact: half precision has the bits of no other network");
  }
  const stray = given(quantisationFlags(options));
  if (int8 !== true && stray !== "") {
    throw new UsageError(`${stray}: of the quantisation; add --int8 --calibrate DIR, or leave it out`);
  }
  if (int8 === true && calibrate === undefined) {
    throw new UsageError("--int8 needs pictures to find the ranges of the activations: --calibrate DIR");
  }
  if (int8 === true && numerics === "exact") {
    throw new UsageError("--int8 goes without --numerics exact: a quantised network has the bits of no other");
  }
}

function checkWeightsOptions(options: OutputOptions): void {
  const wrong = given({
    "--target": options.target !== undefined,
    "--batch": options.batch !== "dynamic",
    "--numerics": options.numerics !== undefined,
    "--no-verify": !options.verify,
    "--int8": options.int8 === true,
    ...quantisationFlags(options),
    "--fp16": options.fp16 === true,
    "--with-preprocess": options.withPreprocess === true,
  });
  if (wrong !== "") throw new UsageError(`${wrong}: a safetensors file holds weights, not a graph; leave it out`);
}

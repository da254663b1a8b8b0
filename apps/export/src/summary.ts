import { formatTable, type OpenedModel } from "asl-cli";
import type { Agreement } from "./agreement.js";
import type { OutputOptions } from "./combinations.js";
import { type Int8Export, int8AsText } from "./int8.js";

export interface ExportSummary {
  readonly model: OpenedModel;
  readonly options: Pick<OutputOptions, "target" | "out" | "batch" | "fp16" | "verify">;
  /** The .onnx file. */
  readonly file: string;
  /** Names in the folder of --target. */
  readonly files: readonly string[] | undefined;
  readonly bytes: number;
  readonly withPreprocess: boolean;
  /** Of the file; of the float32 network where the file is quantised. */
  readonly checks: readonly Agreement[];
  readonly int8: Int8Export | undefined;
}

const largest = (checks: readonly Agreement[], of: "maxError" | "bound"): number =>
  Math.max(0, ...checks.map((check) => check[of]));

export function summaryAsJson(summary: ExportSummary): Readonly<Record<string, unknown>> {
  const { model, options, file, files, bytes, checks, int8 } = summary;
  const { verify } = options;
  return {
    file,
    ...(options.target === undefined ? {} : { target: options.target, folder: options.out, files }),
    bytes,
    batch: options.batch,
    imageSize: model.imageSize,
    numerics: model.numerics,
    precision: options.fp16 === true ? "f16" : int8 === undefined ? "f32" : "int8",
    compared: !verify ? null : int8 === undefined ? "file" : "float32 network",
    maxError: verify ? largest(checks, "maxError") : null,
    bound: verify ? largest(checks, "bound") : null,
    checks,
    ...(int8 === undefined ? {} : { int8: int8.report, mAP: int8.mAP ?? null }),
  };
}

export function summaryAsText({ model, options, ...summary }: ExportSummary): string {
  const { file, files, bytes, withPreprocess, checks, int8 } = summary;
  const { imageSize: side, classNames } = model;
  const batch = options.batch === "dynamic" ? "batch" : options.batch;
  const ends = withPreprocess
    ? `images u8[${batch},height,width,3] -> scores and labels of ${classNames.length} classes`
    : `images f32[${batch},3,${side},${side}] -> logits of ${classNames.length} classes`;
  const compared = int8 === undefined ? "compared" : "the float32 network, compared";
  return [
    `${file}: ${(bytes / 1e6).toFixed(1)} MB, ${ends}`,
    ...(files === undefined ? [] : [`${options.out}: ${files.join(", ")}`]),
    options.verify
      ? `${compared} with the session on random pictures, max error ` +
        `${largest(checks, "maxError").toExponential(2)}:\n${agreementTable(checks)}`
      : "not compared with the session (--no-verify)",
    ...(int8 === undefined ? [] : [int8AsText(int8)]),
  ].join("\n");
}

function agreementTable(agreements: readonly Agreement[]): string {
  const rows = agreements.map(({ batch, maxError, bound }) => [
    String(batch),
    maxError.toExponential(2),
    bound.toExponential(2),
    bound === 0 ? "same bits" : (maxError / bound).toFixed(3),
  ]);
  return formatTable(["batch", "max error", "bound", "error / bound"], rows, [0, 1, 2, 3]);
}

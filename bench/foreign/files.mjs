// The files that asl-export writes of one network, by the command line's own code, and what each must answer.
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { createReporter, openBackend, openModel } from "asl-cli";
import { agreementBound, convolutionDepth, exportCommand, exportModel, scoreBound } from "asl-export";
import { readOnnxMetadata } from "asl-onnx";
import { openPredictor } from "asl-training";
import { disposing } from "../comparison/disposing.mjs";
import { drawnPictures, tensorsOf, writePictures } from "./pictures.mjs";

const PRECISIONS = { float32: [], fp16: ["--fp16"], int8: ["--int8"] };
const PICTURES = 8;

/**
 * Cases {name, file, images, outputs, judge}; `judge(outputs)` gives the largest difference from the session's float32
 * logits (or scores), and how large that is beside what it may be:
 *   float32, fp16   |difference| / agreementBound, of scores / scoreBound, as `asl-export` itself verifies files
 *   int8            ||difference|| / ||logits|| / --max-error, what the file promises of these, its calibration pictures
 * Without `isJudged` the case is only measured: how a runtime resizes is its own.
 */
export async function makeCases({ checkpoint, imageSize, folder, signal, report }) {
  const opened = await openModel(checkpoint, imageSize === undefined ? {} : { imageSize });
  const { imageSize: size, resizeFilter } = opened;
  const same = drawnPictures(PICTURES, size, size);
  const others = drawnPictures(PICTURES, 2 * size, Math.round(1.5 * size));
  const calibration = path.join(folder, "pictures");
  await mkdir(calibration);
  await writePictures(calibration, same);
  const network = { opened, depth: convolutionDepth(opened.architecture) };
  const [images, resized] = [tensorsOf(same, size, resizeFilter), tensorsOf(others, size, resizeFilter)];
  const expected = await sessionLogits(opened, images);
  const ofResized = await sessionLogits(opened, resized);

  const cases = [];
  for (const [precision, options] of Object.entries(PRECISIONS)) {
    for (const preprocess of [false, true]) {
      const name = `${precision}${preprocess ? ", with preprocessing" : ""}`;
      report(`export ${name} ...`);
      const file = path.join(folder, `${precision}${preprocess ? "-preprocess" : ""}.onnx`);
      await exportFile(
        [
          ...["--model", checkpoint, "--image-size", String(size), "--out", file, ...options],
          ...(preprocess ? ["--with-preprocess"] : []),
          ...(precision === "int8" ? ["--calibrate", calibration] : []),
        ],
        signal,
      );
      const { metadata } = readOnnxMetadata(await readFile(file));
      const of = (logits) => ({ ...network, logits, precision, metadata, preprocess });
      const outputs = preprocess ? ["scores", "labels"] : ["logits"];
      const input = preprocess ? same : { dtype: "float32", shape: images.type.shape, data: images.data };
      const judged = judgeOf(of(expected));
      cases.push({ name, precision, file, images: input, outputs, isJudged: true, ...judged });
      if (!preprocess) continue;
      const [, height, width] = others.shape;
      cases.push({
        ...{ name: `${name}, ${width} x ${height} px`, precision, file, images: others, outputs },
        ...{ isJudged: false, ...judgeOf(of(ofResized)), bound: "measured" },
      });
    }
  }
  return { cases, model: { classes: opened.classNames.length, size, pictures: PICTURES } };
}

async function exportFile(args, signal) {
  const command = exportCommand();
  command.parse(args, { from: "user" });
  const devNull = { write: () => true };
  await exportModel(command.opts(), { report: createReporter({ quiet: true, stdout: devNull }), signal });
}

async function sessionLogits({ model, state, classNames, imageSize }, images) {
  const backend = await openBackend("onnx");
  const batchSize = images.type.shape[0];
  const predictor = await openPredictor({ backend, model, state, classNames, imageSize, batchSize });
  return await disposing([predictor], async () => (await predictor.predict(images)).logits);
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const largest = (values) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
const norm = (values) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));

/** {bound: in words, judge} of a file. */
function judgeOf({ opened, depth, logits, precision, metadata, preprocess }) {
  const wanted = Array.from(logits);
  const expected = preprocess ? wanted.map(sigmoid) : wanted;
  const ofLogits = agreementBound(depth, largest(wanted), precision === "fp16" ? "f16" : "f32");
  const allowed = preprocess ? scoreBound(ofLogits) : ofLogits;
  const maxError = precision === "int8" ? JSON.parse(metadata.quantization).maxError : undefined;
  const judge = ({ scores, labels, logits: found }) => {
    const got = preprocess ? scores : found;
    if (got.length !== expected.length) throw new Error(`${got.length} numbers in place of ${expected.length}`);
    if (!got.every(Number.isFinite)) throw new Error("numbers that are not finite");
    if (preprocess) checkLabels(scores, labels, opened.thresholds);
    const difference = largest(got.map((x, i) => x - expected[i]));
    if (maxError === undefined) return { difference, ofBound: difference / allowed };
    const back = preprocess ? scores.map((p) => Math.log(p / (1 - p))) : found;
    return { difference, ofBound: norm(back.map((x, i) => x - wanted[i])) / norm(wanted) / maxError };
  };
  return { bound: maxError === undefined ? allowed.toExponential(1) : `${100 * maxError} % of logits`, judge };
}

/** A label is whether a score is above its threshold, whatever the score. */
function checkLabels(scores, labels, thresholds) {
  const of = (index) => (typeof thresholds === "number" ? thresholds : thresholds[index % thresholds.length]);
  const wrong = labels.findIndex((label, index) => (label === 1) !== scores[index] > Math.fround(of(index)));
  if (wrong !== -1) throw new Error(`label ${wrong} is ${labels[wrong]} at a score of ${scores[wrong]}`);
}

// Exact mAP of scores that do not fit into memory: 125,456 pictures x 9,605 classes, the test set of Open Images V6.
// Peak memory and time of the validate command; every sampled column against the metric in memory and scikit-learn.
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, readSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { averagePrecision, createRandom } from "asl-core";
import { temporaryFolder } from "./temporary-folder.mjs";

const VALIDATE = fileURLToPath(new URL("../apps/validate/dist/main.js", import.meta.url));
const PEER = fileURLToPath(new URL("./peers/average_precision.py", import.meta.url));
const POSITIVES = 0.002;
const SAMPLED_COLUMNS = 24;

/** Rows {name, ours: seconds, note, peakBytes, mAP, ...}. */
export async function run({ only, report, rows = 125_456, classes = 9_605, memory = "1.5GiB" }) {
  const results = [];
  const folder = temporaryFolder("asl-open-images-map-");
  try {
    for (const type of ["f32", "f16"]) {
      if (!type.includes(only)) continue;
      const size = { rows, classes, type };
      checkSpace(folder, size);
      report(`${type}: writing ${(scoreBytes(size) / 1e9).toFixed(1)} GB of scores to ${folder} ...`);
      const files = writeFiles(folder, size);
      report(`${type}: validate --memory ${memory} ...`);
      results.push({ ...(await measure(files, size, memory, report)) });
      for (const file of Object.values(files)) rmSync(file);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { rows: results };
}

const scoreBytes = ({ rows, classes, type }) => rows * classes * (type === "f16" ? 2 : 4);

function checkSpace(folder, size) {
  const { bavail, bsize } = statfsSync(folder);
  const needed = scoreBytes(size) * 1.1;
  if (bavail * bsize < needed) throw new Error(`${folder}: ${(needed / 1e9).toFixed(1)} GB of disk space are needed`);
}

/** Scores of negatives u^64, of positives sqrt(u); targets as packed bits. Row by row, in chunks. */
function writeFiles(folder, { rows, classes, type }) {
  const files = { scores: join(folder, `scores-${type}.npy`), targets: join(folder, "targets.npy") };
  const half = type === "f16" ? halfTable() : undefined;
  const width = Math.ceil(classes / 8);
  const [scores, targets] = [openSync(files.scores, "w"), openSync(files.targets, "w")];
  writeSync(scores, npyHeader(half ? "<f2" : "<f4", rows, classes));
  writeSync(targets, npyHeader("|u1", rows, width));
  const chunk = Math.min(rows, 64);
  const values = half ? new Uint16Array(chunk * classes) : new Float32Array(chunk * classes);
  const bits = new Uint8Array(chunk * width);
  const random = createRandom(1, "open images");
  for (let row = 0; row < rows; row += chunk) {
    const height = Math.min(chunk, rows - row);
    bits.fill(0);
    for (let r = 0; r < height; r++) {
      for (let c = 0; c < classes; c++) {
        const u = random.uint32() * 2 ** -32;
        const positive = u < POSITIVES;
        const v = positive ? Math.sqrt(u / POSITIVES) : power64((u - POSITIVES) / (1 - POSITIVES));
        values[r * classes + c] = half ? half[Math.floor(v * half.length)] : v;
        if (positive) bits[r * width + (c >> 3)] |= 0x80 >> (c & 7);
      }
    }
    writeSync(scores, values.subarray(0, height * classes));
    writeSync(targets, bits.subarray(0, height * width));
  }
  closeSync(scores);
  closeSync(targets);
  return files;
}

function power64(u) {
  let power = u;
  for (let i = 0; i < 6; i++) power *= power;
  return power;
}

/** The half floats of 65,536 steps from 0 to 1: no conversion for every score. */
function halfTable() {
  return Uint16Array.from({ length: 1 << 16 }, (_, i) => {
    const value = i / (1 << 16);
    if (value < 2 ** -14) return Math.round(value * 2 ** 24);
    const exponent = Math.floor(Math.log2(value));
    return ((exponent + 15) << 10) + Math.round((value / 2 ** exponent - 1) * 1024);
  });
}

function npyHeader(descr, rows, columns) {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const header = Buffer.from(`${text.padEnd(117)}\n`);
  return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), Buffer.from([header.length, 0]), header]);
}

async function measure(files, { rows, classes, type }, memory, report) {
  const usage = `${files.scores}.usage`;
  const onExit = `process.on("exit",()=>fs.writeFileSync(${JSON.stringify(usage)},JSON.stringify(process.resourceUsage())))`;
  const hook = `data:text/javascript,import fs from "node:fs";${encodeURIComponent(onExit)}`;
  const args = ["--import", hook, VALIDATE, "--predictions", files.scores, "--targets", files.targets];
  const begin = performance.now();
  const output = await stdoutOf(process.execPath, [...args, "--memory", memory, "--json"]);
  const seconds = (performance.now() - begin) / 1000;
  const { maxRSS, userCPUTime, systemCPUTime } = JSON.parse(readFileSync(usage, "utf8"));
  const [peakBytes, cpuSeconds] = [maxRSS * 1024, (userCPUTime + systemCPUTime) / 1e6];
  rmSync(usage);
  const { mAP, classes: precisions } = JSON.parse(output);
  report(`${type}: checking ${SAMPLED_COLUMNS} columns ...`);
  const columns = Array.from({ length: SAMPLED_COLUMNS }, (_, i) =>
    Math.floor(((i + 0.5) * classes) / SAMPLED_COLUMNS),
  );
  const found = columns.map((column) => Object.values(precisions)[column]);
  const inMemory = columns.map(
    (column) => 100 * averagePrecision(...readColumn(files, { rows, classes, type }, column)),
  );
  const different = found.filter((ap, i) => ap !== inMemory[i]).length;
  if (different > 0) throw new Error(`${different} of ${columns.length} columns differ from averagePrecision`);
  const peer = scikitLearn(files, columns);
  const agreement = compare(found, peer);
  const checked =
    agreement === null
      ? "scikit-learn: not installed"
      : agreement.columns === 0
        ? "every sampled column has ties, so none is compared with scikit-learn"
        : `scikit-learn: ${agreement.columns} columns without ties, max difference ${agreement.maxDifference.toExponential(1)}`;
  return {
    ...{ name: `mAP of ${rows} x ${classes} ${type}`, ours: seconds, runs: 1, mAP, peakBytes, cpuSeconds, memory },
    sameAsInMemory: columns.length,
    scikitLearn: agreement,
    note: `peak memory ${(peakBytes / 2 ** 30).toFixed(2)} GiB (--memory ${memory}); CPU ${cpuSeconds.toFixed(0)} s; ${checked}`,
  };
}

/** One column by plain reads, row by row. */
function readColumn({ scores, targets }, { rows, classes, type }, column) {
  const bytes = type === "f16" ? 2 : 4;
  const width = Math.ceil(classes / 8);
  const [scoreFile, targetFile] = [openSync(scores, "r"), openSync(targets, "r")];
  const [values, labels] = [new Float32Array(rows), new Int8Array(rows)];
  const buffer = Buffer.alloc(4);
  for (let row = 0; row < rows; row++) {
    readSync(scoreFile, buffer, 0, bytes, 128 + (row * classes + column) * bytes);
    values[row] = type === "f16" ? halfValue(buffer.readUInt16LE(0)) : buffer.readFloatLE(0);
    readSync(targetFile, buffer, 0, 1, 128 + row * width + (column >> 3));
    labels[row] = (buffer[0] >> (7 - (column & 7))) & 1;
  }
  closeSync(scoreFile);
  closeSync(targetFile);
  return [values, labels];
}

const halfValue = (bits) =>
  bits >> 10 === 0 ? bits * 2 ** -24 : (1 + (bits & 1023) / 1024) * 2 ** ((bits >> 10) - 15);

/** [{ap, ties, positives}] of each column; null where scikit-learn is not installed. */
function scikitLearn({ scores, targets }, columns) {
  const { status, stdout, stderr } = spawnSync("/usr/bin/python3", [PEER, scores, targets, columns.join(",")], {
    encoding: "utf8",
  });
  if (status === 0) return JSON.parse(stdout);
  if (/ModuleNotFoundError/.test(stderr)) return null;
  throw new Error(`average_precision.py failed: ${stderr}`);
}

/** Definitions coincide where no positive shares its score; ours divides by the number of positives + 1e-8. */
function compare(found, peer) {
  if (peer === null) return null;
  const differences = found.flatMap((ap, i) => {
    const { ap: expected, ties, positives } = peer[i];
    return ties > 0 ? [] : [Math.abs(ap - (100 * expected * positives) / (positives + 1e-8))];
  });
  return { columns: differences.length, maxDifference: Math.max(0, ...differences) };
}

function stdoutOf(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part) => {
      text += part;
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(text) : reject(new Error(`validate ended with code ${code}`))));
  });
}

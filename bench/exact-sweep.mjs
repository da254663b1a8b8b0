#!/usr/bin/env node
// How far are the exact functions from the truth, over every float32 of their range?
// node bench/exact-sweep.mjs [--only NAME] [--stride N] [--json FILE] [--elements N]; only the loss, on 10 million random
// elements: --only gammas
// Run by onnxruntime-node (the tests show that every backend has the same bits), judged by float64. Takes minutes.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  Builder,
  createRandom,
  exactAsymmetricLoss,
  exactExp,
  exactLog,
  exactLogSigmoid,
  exactPower,
  exactReciprocal,
  exactSigmoidPair,
  f32,
  grad,
  optimize,
  reduceSum,
} from "asl-core";
import { onnxNodeBackend } from "asl-onnx/node";
import { evaluateNode } from "asl-reference";
import { asymmetricLossElement, ulpsBetween } from "./exact-functions.mjs";

const BLOCK = 1 << 18;
const word = new Uint32Array(1);
const real = new Float32Array(word.buffer);

const bitsOf = (x) => {
  real[0] = x;
  return word[0];
};

/** One pass over a range for functions that share work. `truth` writes one float64 for each output. */
const SWEEPS = [
  {
    names: ["sigmoid", "1 - sigmoid", "log sigmoid"],
    signs: [1, -1],
    range: [2 ** -30, 69.4],
    build: (x) => {
      const { p, oneMinusP } = exactSigmoidPair(x);
      return [p, oneMinusP, exactLogSigmoid(x)];
    },
    truth: (x, out) => {
      const e = Math.exp(-Math.abs(x));
      out[x < 0 ? 0 : 1] = e / (1 + e);
      out[x < 0 ? 1 : 0] = 1 / (1 + e);
      out[2] = Math.min(x, 0) - Math.log1p(e);
    },
  },
  {
    names: ["exp"],
    signs: [1, -1],
    range: [2 ** -30, 88.722],
    build: (x) => [exactExp(x)],
    truth: (x, out) => {
      out[0] = Math.exp(x);
    },
  },
  {
    names: ["log", "reciprocal"],
    signs: [1],
    range: [2 ** -100, 2 ** 100],
    build: (x) => [exactLog(x), exactReciprocal(x)],
    truth: (x, out) => {
      out[0] = Math.log(x);
      out[1] = 1 / x;
    },
  },
  {
    names: ["power 0.5", "power 2.5"],
    signs: [1],
    range: [2 ** -40, 1],
    build: (x) => [exactPower(x, 0.5), exactPower(x, 2.5)],
    truth: (x, out) => {
      const root = Math.sqrt(x);
      out[0] = root;
      out[1] = x * x * root;
    },
  },
];

const LOSSES = [
  { name: "hard, gammas 4 and 1", targets: "hard" },
  { name: "hard, gammas 4 and 1, clip 0", targets: "hard", clip: 0 },
  { name: "soft, gammas 4 and 1", targets: "soft" },
];

async function sweep({ names, signs, range, build, truth }, stride) {
  const session = await compile((builder) => {
    const outputs = build(builder.input("x", { dtype: "f32", shape: [BLOCK] }));
    return Object.fromEntries(outputs.map((output, i) => [`y${i}`, output]));
  });
  const worst = names.map((name) => ({ name, ulps: 0, at: Number.NaN, count: 0 }));
  const [low, high] = range.map(bitsOf);
  const block = new Float32Array(BLOCK);
  const bits = new Uint32Array(block.buffer);
  const expected = new Float64Array(names.length);
  for (const sign of signs) {
    const signBit = sign < 0 ? 0x80000000 : 0;
    for (let start = low; start <= high; start += BLOCK * stride) {
      const count = Math.min(BLOCK, Math.floor((high - start) / stride) + 1);
      // What is left of the last block repeats the end of the range
      for (let i = 0; i < BLOCK; i++) bits[i] = (start + Math.min(i, count - 1) * stride) | signBit;
      const outputs = await session.run("program", { x: f32([BLOCK], block) });
      const columns = names.map((_, i) => outputs[`y${i}`].data);
      for (let i = 0; i < count; i++) {
        truth(block[i], expected);
        for (let k = 0; k < columns.length; k++) {
          const y = columns[k][i];
          const t = expected[k];
          const ulps = ulpsBetween(y, t);
          if (!(ulps <= worst[k].ulps)) Object.assign(worst[k], { ulps, at: block[i] });
        }
      }
      for (const each of worst) each.count += count;
    }
  }
  await session[Symbol.asyncDispose]();
  return worst;
}

/** Errors of the exact loss and gradient over random elements in chunks, against the formula in float64. */
async function compareLosses({ name, ...options }, elements) {
  const shape = [64, BLOCK / 64];
  const session = await compile((builder) => {
    const [x, y] = ["x", "y"].map((input) => builder.input(input, { dtype: "f32", shape }));
    const own = { ...options, detachFocusingWeight: false, reduction: "none" };
    const loss = exactAsymmetricLoss(x, y, own);
    const [gradient] = grad(reduceSum(loss), [x]);
    return { loss, gradient };
  });
  const random = createRandom(1, "losses", name);
  const errors = { loss: newErrors(), gradient: newErrors() };
  const truth = { loss: 0, gradient: 0 };
  let count = 0;
  for (; count < elements; count += BLOCK) {
    const x = Float32Array.from({ length: BLOCK }, () => random.between(-20, 20));
    const y = Float32Array.from({ length: BLOCK }, () =>
      options.targets === "hard" ? random.integer(2) : random.uniform(),
    );
    const outputs = await session.run("program", { x: f32(shape, x), y: f32(shape, y) });
    const columns = { loss: outputs.loss.data, gradient: outputs.gradient.data };
    for (let i = 0; i < BLOCK; i++) {
      asymmetricLossElement(x[i], y[i], options, truth);
      addError(errors.loss, columns.loss[i], truth.loss, x[i], y[i]);
      addError(errors.gradient, columns.gradient[i], truth.gradient, x[i], y[i]);
    }
  }
  await session[Symbol.asyncDispose]();
  return { name, ...errors, count };
}

const newErrors = () => ({ absolute: 0, ulps: 0, at: { x: Number.NaN, y: Number.NaN }, within1Ulp: 0, within4Ulp: 0 });

function addError(errors, actual, expected, x, y) {
  errors.absolute = Math.max(errors.absolute, Math.abs(actual - expected));
  const ulps = ulpsBetween(actual, expected);
  if (!(ulps <= errors.ulps)) Object.assign(errors, { ulps, at: { x, y } });
  if (ulps <= 1) errors.within1Ulp++;
  if (ulps <= 4) errors.within4Ulp++;
}

function graph(body) {
  const builder = new Builder();
  return optimize(builder.finish(body(builder)), { evaluate: evaluateNode });
}

async function compile(body) {
  const program = { graph: graph(body), reads: {}, writes: {}, finite: [] };
  return await onnxNodeBackend({ threads: 1 }).compile({}, { program });
}

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    stride: { type: "string", default: "1" },
    elements: { type: "string", default: "10000000" },
    json: { type: "string" },
  },
});
const started = performance.now();
const seconds = () => Math.round((performance.now() - started) / 1000);
const functions = [];
for (const each of SWEEPS) {
  if (!each.names.some((name) => name.includes(values.only))) continue;
  for (const row of await sweep(each, Number(values.stride))) {
    functions.push(row);
    const range = each.range.map((x) => x.toExponential(2)).join(" ... ");
    console.log(
      `${row.name.padEnd(12)} worst ${row.ulps.toFixed(4)} ulp at ${row.at}; ${row.count} numbers, ` +
        `${each.signs.length === 2 ? "+-" : ""}[${range}], ${seconds()} s`,
    );
  }
}
const losses = [];
for (const each of LOSSES) {
  if (!each.name.includes(values.only)) continue;
  const row = await compareLosses(each, Number(values.elements));
  losses.push(row);
  console.log(`loss ${row.name}: ${row.count} random elements, |x| <= 20, ${seconds()} s`);
  for (const output of ["loss", "gradient"]) {
    const { absolute, ulps, at, within1Ulp, within4Ulp } = row[output];
    const share = (part) => `${((100 * part) / row.count).toFixed(3)} %`;
    console.log(
      `  ${output.padEnd(9)} largest error ${absolute.toExponential(2)}; worst ${ulps.toFixed(3)} ulp at x = ${at.x}, ` +
        `y = ${at.y}; ${share(within1Ulp)} within 1 ulp, ${share(within4Ulp)} within 4`,
    );
  }
}
if (values.json) {
  const report = { stride: Number(values.stride), functions, losses, seconds: seconds() };
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
}

#!/usr/bin/env node
// How far are the exact functions from the truth, over every float32 of their range?
// node bench/exact-sweep.mjs [--only NAME] [--stride N] [--json FILE] [--elements N]
// Run by onnxruntime-node (the tests show that every backend has the same bits), judged by float64. Takes minutes.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  asymmetricLoss,
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
import { evaluate, evaluateNode } from "asl-reference";

const BLOCK = 1 << 18;
const word = new Uint32Array(1);
const real = new Float32Array(word.buffer);

const bitsOf = (x) => {
  real[0] = x;
  return word[0];
};
const ulpOf = (x) => {
  real[0] = x;
  word[0] &= 0x7f800000;
  return real[0] * 2 ** -23;
};

/** Below it a result is +0. */
const SMALLEST = 2 ** -100;

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
          if (Math.abs(t) < SMALLEST && y === 0) continue;
          const error = Math.abs(y - t);
          // An exact result of 0 (log 1) has no ulp
          const ulps = error === 0 ? 0 : error / ulpOf(t);
          if (!(ulps <= worst[k].ulps)) Object.assign(worst[k], { ulps, at: block[i] });
        }
      }
      for (const each of worst) each.count += count;
    }
  }
  await session[Symbol.asyncDispose]();
  return worst;
}

/** Largest absolute errors of loss and gradient over random elements, against the native composite in float64. */
async function compareLosses({ name, ...options }, elements) {
  const shape = [64, BLOCK / 64];
  const graphOf = (lossOf) => (builder) => {
    const [x, y] = ["x", "y"].map((input) => builder.input(input, { dtype: "f32", shape }));
    const loss = lossOf(x, y, { ...options, detachFocusingWeight: false, reduction: "none" });
    const [gradient] = grad(reduceSum(loss), [x]);
    return { loss, gradient };
  };
  const session = await compile(graphOf(exactAsymmetricLoss));
  const native = graph(graphOf(asymmetricLoss));
  const random = createRandom(1, "losses", name);
  const worst = { loss: 0, gradient: 0 };
  let count = 0;
  for (; count < elements; count += BLOCK) {
    const x = Float32Array.from({ length: BLOCK }, () => random.between(-20, 20));
    const y = Float32Array.from({ length: BLOCK }, () =>
      options.targets === "hard" ? random.integer(2) : random.uniform(),
    );
    const feeds = { x: f32(shape, x), y: f32(shape, y) };
    const outputs = await session.run("program", feeds);
    const truth = evaluate(native, feeds, { precision: "f64" });
    for (const key of Object.keys(worst)) {
      outputs[key].data.forEach((value, i) => {
        worst[key] = Math.max(worst[key], Math.abs(value - truth[key].data[i]));
      });
    }
  }
  await session[Symbol.asyncDispose]();
  return { name, ...worst, count };
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
  console.log(
    `loss ${row.name}: largest error ${row.loss.toExponential(2)}, of the gradient ${row.gradient.toExponential(2)}; ` +
      `${row.count} random elements, |x| <= 20, ${seconds()} s`,
  );
}
if (values.json) {
  const report = { stride: Number(values.stride), functions, losses, seconds: seconds() };
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
}

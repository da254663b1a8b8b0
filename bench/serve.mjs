// How does `infer --serve` behave under load, overload and hostile requests?
import { join } from "node:path";
import { writeSafetensors } from "asl-checkpoint";
import { createRandom, initialize, tresnet, tresnetConfig } from "asl-core";
import sharp from "sharp";
import { linearFit } from "./linear-fit.mjs";
import { attack } from "./serve/attack.mjs";
import { closedLoop, openLoop, percentile, whileProbing } from "./serve/load.mjs";
import { between, startServer } from "./serve/server.mjs";
import { temporaryFolder } from "./temporary-folder.mjs";

const IMAGE_SIZE = 224;
const BATCH = 8;
const CLIENTS = 16;
const QUEUE = 32;
const ROUNDS = 4;
const ATTEMPTS = 3;
const HEADERS = { "content-type": "image/jpeg" };
const LIMITS = ["--max-queue", `${QUEUE}`, "--max-bytes", "1MB", "--max-pixels", "4000000"];

/** `steps`: seconds of each load; `model`: a checkpoint, default TResNet-M with random weights. */
export async function run({ steps, requests = 10_000, model: given, report }) {
  const model = given ?? (await randomModel(temporaryFolder("asl-serve-")));
  const body = await photograph();
  const options = (batch) => ["--image-size", `${IMAGE_SIZE}`, "--batch-size", `${batch}`, ...LIMITS];
  const single = await startServer(model, options(1), report);
  const batching = await startServer(model, options(BATCH), report);
  const request = ({ address }) => ({ url: `${address}/v1/tag`, body, headers: HEADERS });
  const loads = {
    "one client": { server: single, clients: 1 },
    [`${CLIENTS} clients, batches of 1`]: { server: single, clients: CLIENTS },
    [`${CLIENTS} clients, batches of up to ${BATCH}`]: { server: batching, clients: CLIENTS },
  };

  // how long a picture takes says how many make `steps` seconds
  const perSecond = {};
  for (const [name, { server, clients }] of Object.entries(loads)) {
    await closedLoop({ ...request(server), clients, amount: 2 * clients });
    const { seconds } = await closedLoop({ ...request(server), clients, amount: 2 * clients });
    perSecond[name] = (2 * clients) / seconds;
  }
  const results = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, { server, clients }] of Object.entries(loads)) {
      const amount = Math.max(2 * clients, Math.ceil((perSecond[name] * steps) / ROUNDS));
      const part = await loadOn(server, () => closedLoop({ ...request(server), clients, amount }));
      results[name] = merged(results[name], part);
    }
  }
  for (const [name, result] of Object.entries(results)) report(`${name}: ${describe(result)}`);
  const [alone, together, batched] = Object.values(results);

  let rate = 2 * throughput(batched);
  let over;
  // where other work slowed the server before, this is no overload yet
  for (let attempt = 0; attempt < ATTEMPTS; attempt++, rate *= 2) {
    // long enough for the queue to be full for most of the time
    const amount = Math.ceil(rate * Math.max(steps, (4 * QUEUE) / throughput(batched)));
    over = { rate, ...(await loadOn(batching, () => openLoop({ ...request(batching), rate, amount }))) };
    report(`${rate.toFixed(1)} requests/s: ${describe(over)}`);
    if (refused(over) > 0) break;
  }

  await single.stop();
  const hostile = await attack(batching, requests, report);
  const honest = await fetch(`${batching.address}/v1/tag`, { method: "POST", body, headers: HEADERS });
  await honest.text();
  const ended = await batching.stop();

  const failures = [
    ...[...Object.entries(results), ["overload", over]].flatMap(([name, result]) => lossesOf(name, result)),
    ...(refused(over) === 0 ? ["overload: nothing was refused"] : []),
    ...Object.entries(hostile.unexpected).map(([answer, times]) => `hostile: ${times} x ${answer}`),
    ...(honest.status === 200 ? [] : [`after the hostile requests an honest one got ${honest.status}`]),
    ...(ended === 0 ? [] : [`the server ended with ${ended} instead of 0`]),
  ];
  if (failures.length > 0) process.exitCode = 1;
  const [one, sixteen, batches] = Object.keys(results);
  return {
    rows: [
      row(one, alone),
      row(sixteen, together, alone),
      row(batches, batched, together, `${(batched.pictures / batched.batches).toFixed(1)} pictures a batch`),
      row(
        `overload (${over.rate.toFixed(1)}/s)`,
        over,
        batched,
        `${over.good.length} answered, ${refused(over)} got 503`,
      ),
    ],
    loads: Object.fromEntries(
      [...Object.entries(results), ["overload", over]].map(([name, r]) => [name, figuresOf(r)]),
    ),
    hostile: { ...hostile, growth: growthOf(hostile), honestAfterwards: honest.status, exitCode: ended },
    failures,
    trailer: [hostileText(hostile), ...failures.map((each) => `FAILED: ${each}`)].join("\n"),
  };
}

/** A load with what the server counted of it. */
async function loadOn(server, work) {
  const before = await server.counts();
  const { result, times } = await whileProbing(server.address, work);
  const counted = between(before, await server.counts());
  return { ...result, ...counted, good: result.statuses[200] ?? [], answered: result.statuses, probes: times };
}

function merged(a, b) {
  if (a === undefined) return b;
  const both = (x, y, join) =>
    Object.fromEntries([...new Set([...Object.keys(x), ...Object.keys(y)])].map((key) => [key, join(x[key], y[key])]));
  return {
    seconds: a.seconds + b.seconds,
    lost: a.lost + b.lost,
    pictures: a.pictures + b.pictures,
    batches: a.batches + b.batches,
    good: [...a.good, ...b.good],
    probes: [...a.probes, ...b.probes],
    statuses: both(a.statuses, b.statuses, (x = 0, y = 0) => x + y),
    answered: both(a.answered, b.answered, (x = [], y = []) => [...x, ...y]),
  };
}

const throughput = ({ good, seconds }) => good.length / seconds;
const refused = ({ answered }) => answered[503]?.length ?? 0;

/** What was accepted and not answered, or answered with an error, as both sides saw it. */
function lossesOf(name, { lost, statuses, answered }) {
  const others = Object.entries(statuses).filter(([status]) => status !== "200" && status !== "503");
  return [
    ...(lost > 0 ? [`${name}: ${lost} requests without an answer`] : []),
    ...others.map(([status, count]) => `${name}: ${count} requests ended with ${status}`),
    ...Object.entries(statuses)
      .filter(([status, count]) => count !== (answered[status]?.length ?? 0))
      .map(
        ([status, count]) =>
          `${name}: the server counts ${count} x ${status}, clients ${answered[status]?.length ?? 0}`,
      ),
  ];
}

const milliseconds = (values, percent) => (values.length === 0 ? "-" : `${percentile(values, percent).toFixed(0)} ms`);
const spread = (values) => `p50 ${milliseconds(values, 50)}, p99 ${milliseconds(values, 99)}`;
const describe = (result) =>
  `${throughput(result).toFixed(1)}/s, ${spread(result.good)}, ${result.good.length} answers, ${refused(result)} refused, ` +
  `${result.lost} lost; /health/live p99 ${milliseconds(result.probes, 99)}`;

const figuresOf = (result) => ({
  picturesPerSecond: throughput(result),
  p50: percentile(result.good, 50),
  p99: percentile(result.good, 99),
  refused: refused(result),
  refusedP99: percentile(result.answered[503] ?? [], 99) ?? null,
  lost: result.lost,
  picturesPerBatch: result.pictures / result.batches,
  healthP99: percentile(result.probes, 99),
});

/** Seconds for a picture: ours this load, the peer's the one that it is compared with. */
const row = (name, result, peer, note = "") => ({
  name,
  ours: 1 / throughput(result),
  peer: peer === undefined ? null : 1 / throughput(peer),
  ratio: peer === undefined ? null : throughput(peer) / throughput(result),
  runs: result.good.length,
  note: [
    `${throughput(result).toFixed(1)} pictures/s, ${spread(result.good)}`,
    ...(note === "" ? [] : [note]),
    `health p99 ${milliseconds(result.probes, 99)}`,
  ].join("; "),
});

/** Memory of the second half, when caches and pools are full: bytes for each request. */
function growthOf({ memory }) {
  const late = memory.slice(memory.length >> 1);
  return linearFit(
    late.map(({ requests }) => requests),
    late.map(({ bytes }) => bytes),
  );
}

function hostileText(hostile) {
  const { requests, slow, answers, memory } = hostile;
  const { slope, low, high } = growthOf(hostile);
  const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(1);
  const thousand = (bytes) => mebibytes(1000 * bytes);
  return [
    `${requests} hostile requests and ${slow} slow clients:`,
    ...Object.entries(answers).map(([answer, times]) => `  ${String(times).padStart(5)} x ${answer}`),
    `memory: ${memory.map(({ bytes }) => mebibytes(bytes)).join(", ")} MiB; second half ${thousand(slope)} MiB ` +
      `(${thousand(low)} to ${thousand(high)}) per 1,000 requests`,
  ].join("\n");
}

async function randomModel(folder) {
  const file = join(folder, "random.safetensors");
  const model = tresnet(tresnetConfig("tresnet_m", { classes: 80 }));
  await writeSafetensors(file, { tensors: initialize(model.state, 1) });
  return file;
}

/** Noise in broad patches: as many bytes as a photograph of its size has. */
async function photograph() {
  const random = createRandom("serve");
  const pixels = Uint8Array.from({ length: 64 * 48 * 3 }, () => random.integer(256));
  const patches = sharp(pixels, { raw: { width: 64, height: 48, channels: 3 } });
  return patches.resize(640, 480, { kernel: "cubic" }).jpeg({ quality: 90 }).toBuffer();
}

// How does `infer --serve` behave under load, overload and hostile requests?
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { writeSafetensors } from "asl-checkpoint";
import { createRandom, initialize, tresnet, tresnetConfig } from "asl-core";
import autocannon from "autocannon";
import sharp from "sharp";
import { hostileRequests } from "./serve/hostile-requests.mjs";
import { temporaryFolder } from "./temporary-folder.mjs";

const MAIN = resolve(import.meta.dirname, "../apps/infer/dist/main.js");
const IMAGE_SIZE = 224;
const QUEUE = 32;
const HEADERS = { "content-type": "image/jpeg" };

export async function run({ steps, requests = 10_000, report }) {
  const server = await serve(await randomModel(temporaryFolder("asl-serve-")), report);
  try {
    const body = await photograph();
    const load = (options) =>
      autocannon({
        url: `${server.address}/v1/tag`,
        method: "POST",
        body,
        headers: HEADERS,
        duration: steps,
        ...options,
      });
    await load({ connections: 4, duration: 3 });
    const alone = await load({ connections: 1 });
    report(`one by one: ${describe(alone)}`);
    const together = await load({ connections: 16 });
    report(`16 clients: ${describe(together)}`);
    const before = await server.counts();
    const rate = Math.ceil(2 * together.requests.average);
    // more clients than the queue has places, each of whom asks at a fixed rate
    const over = await load({ connections: 4 * QUEUE, overallRate: rate });
    const after = await server.counts();
    const refused = (after["503"] ?? 0) - (before["503"] ?? 0);
    const answered = (after["200"] ?? 0) - (before["200"] ?? 0);
    const lost = over.errors + over.timeouts;
    report(
      `at ${rate}/s: ${describe(over)}; ${answered} answered, ${refused} refused with 503, ${lost} without answer`,
    );
    const hostile = await attack(server, requests, report);
    return {
      rows: [
        row("picture, one client", alone, null, ""),
        row("picture, 16 clients", together, alone, `${ratioOf(together, alone)}x the throughput of one client`),
        row(`2x overload (${rate}/s)`, over, together, `${answered} answered, ${refused} refused (503), ${lost} lost`),
      ],
      hostile,
    };
  } finally {
    server.stop();
  }
}

const describe = ({ requests, latency, "2xx": good }) =>
  `${requests.average.toFixed(1)}/s, p50 ${latency.p50} ms, p99 ${latency.p99} ms, ${good} answers`;
const ratioOf = (a, b) => (a.requests.average / b.requests.average).toFixed(2);
/** Seconds for a picture: ours this load, the peer's one after another. */
const row = (name, result, peer, note) => ({
  name,
  ours: 1 / (result["2xx"] / result.duration),
  peer: peer === null ? null : 1 / (peer["2xx"] / peer.duration),
  ratio: peer === null ? null : peer["2xx"] / peer.duration / (result["2xx"] / result.duration),
  runs: result["2xx"],
  note: `p50 ${result.latency.p50} ms, p99 ${result.latency.p99} ms${note === "" ? "" : `; ${note}`}`,
});

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

async function serve(model, report) {
  const limits = ["--max-queue", String(QUEUE), "--max-bytes", "1MB", "--max-pixels", "4000000"];
  const args = [MAIN, "--serve", "0", "--model", model, "--image-size", String(IMAGE_SIZE), ...limits];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  process.once("exit", () => child.kill());
  child.once("exit", (code, signal) => {
    if (signal !== "SIGTERM" && code !== 0) report(`the server ended with ${code ?? signal}`);
  });
  const [line] = await once(child.stdout, "data");
  const address = /http:\S+/.exec(line.toString())[0];
  return {
    address,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    memory: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))[1]) * 1024,
    async counts() {
      const text = await (await fetch(`${address}/metrics`)).text();
      const found = [...text.matchAll(/asl_requests_total\{status="(\d+)"\} (\d+)/g)];
      return Object.fromEntries(found.map(([, status, count]) => [status, Number(count)]));
    },
    stop: () => child.kill("SIGTERM"),
  };
}

/** Requests that no honest client makes, 16 at a time; what came back, and the memory before and after. */
async function attack(server, count, report) {
  const { hostname, port } = new URL(server.address);
  const requests = await hostileRequests();
  const answers = new Map();
  // what the first ones leave behind for good (buffers, compiled code) is no growth
  const send = async (index) => {
    const { name, bytes } = requests[index % requests.length];
    const key = `${name}: ${await statusOf(hostname, Number(port), bytes)}`;
    answers.set(key, (answers.get(key) ?? 0) + 1);
  };
  const inParallel = async (from, to) => {
    let next = from;
    const walk = async () => {
      while (next < to) await send(next++);
    };
    await Promise.all(Array.from({ length: 16 }, walk));
  };
  const tenth = Math.floor(count / 10);
  const memory = [server.memory()];
  for (let part = 0; part < 10; part++) {
    await inParallel(part * tenth, (part + 1) * tenth);
    memory.push(server.memory());
    report(`${(part + 1) * tenth} hostile requests: ${(memory.at(-1) / 2 ** 20).toFixed(0)} MiB`);
  }
  for (const [answer, times] of [...answers].sort()) report(`  ${times} x ${answer}`);
  const { status } = await fetch(`${server.address}/v1/tag`, {
    method: "POST",
    body: await photograph(),
    headers: HEADERS,
  });
  report(`afterwards an honest request: ${status}; the server ${server.isAlive() ? "is alive" : "has ended"}`);
  return { requests: 10 * tenth, answers: Object.fromEntries(answers), memory, honestAfterwards: status };
}

/** The status line's number; "closed" when the server hung up, "hung up" when the request itself does. */
function statusOf(host, port, bytes) {
  return new Promise((done) => {
    const socket = connect({ host, port });
    let text = "";
    const end = (answer) => {
      socket.destroy();
      done(answer);
    };
    socket.setTimeout(15_000, () => end("no answer in 15 s"));
    socket.on("error", () => done(text === "" ? "closed" : text.slice(9, 12)));
    socket.on("close", () => done(text === "" ? "closed" : text.slice(9, 12)));
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (text.includes("\r\n\r\n")) end(text.slice(9, 12));
    });
    socket.write(bytes.slice(0), () => {
      if (bytes.hangsUp) end("hung up");
    });
  });
}

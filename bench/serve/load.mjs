import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds; over it an answer counts as lost. */
const PATIENCE = 120_000;

/**
 * `clients` that each send their next request when the last is answered, `amount` requests in all.
 * { seconds, statuses: { 200: [milliseconds, ...], ... }, lost }
 */
export async function closedLoop({ url, body, headers, clients, amount }) {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const tally = new Tally();
  let left = amount;
  const walk = async () => {
    while (left-- > 0) await tally.add(performance.now(), send(url, body, { headers, agent }));
  };
  await Promise.all(Array.from({ length: clients }, walk));
  agent.destroy();
  return tally.result();
}

/**
 * `amount` requests at fixed times, `rate` a second, whatever is still unanswered: as clients do that know nothing of each
 * other. Latencies count from the planned time.
 */
export async function openLoop({ url, body, headers, rate, amount }) {
  const tally = new Tally();
  const begin = performance.now();
  const running = [];
  for (let index = 0; index < amount; index++) {
    const planned = begin + (1000 * index) / rate;
    await sleep(Math.max(0, planned - performance.now()));
    running.push(tally.add(planned, send(url, body, { headers, agent: false })));
  }
  await Promise.all(running);
  return tally.result();
}

class Tally {
  #begin = performance.now();
  #statuses = {};
  #lost = 0;

  /** Waits for a request's status and notes the milliseconds since `begin`. */
  async add(begin, request) {
    try {
      const status = await request;
      this.#statuses[status] ??= [];
      this.#statuses[status].push(performance.now() - begin);
    } catch {
      this.#lost += 1;
    }
  }

  result() {
    return { seconds: (performance.now() - this.#begin) / 1000, statuses: this.#statuses, lost: this.#lost };
  }
}

/** Posts; the status of the answer. */
function send(url, body, options) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", timeout: PATIENCE, ...options });
    let answer;
    sent.once("response", (response) => {
      answer = response.statusCode;
      response.resume();
      response.once("end", () => resolve(answer));
    });
    sent.once("timeout", () => sent.destroy(new Error("timeout")));
    // a refusal may come before the body is out, and the connection go with it
    sent.on("error", (error) => (answer === undefined ? reject(error) : resolve(answer)));
    sent.end(body);
  });
}

/** How long the server takes to say that it lives, while `work` goes on: milliseconds of each of ten questions a second. */
export async function whileProbing(address, work) {
  const times = [];
  let done = false;
  const probe = async () => {
    while (!done) {
      const begin = performance.now();
      await (await fetch(`${address}/health/live`)).text();
      times.push(performance.now() - begin);
      await sleep(100);
    }
  };
  const probing = probe();
  try {
    return { result: await work(), times };
  } finally {
    done = true;
    await probing;
  }
}

/** The value below which so many of a hundred lie (nearest rank). */
export function percentile(values, percent) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
}

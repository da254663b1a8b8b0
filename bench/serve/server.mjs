import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const MAIN = resolve(import.meta.dirname, "../../apps/infer/dist/main.js");

/** `infer --serve` in a process of its own, once it answers. `report` is told when it ends by itself. */
export async function startServer(model, options, report) {
  const child = spawn(process.execPath, [MAIN, "--serve", "0", "--quiet", "--model", model, ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  let stopping = false;
  const ended = once(child, "exit");
  void ended.then(([code, signal]) => {
    if (!stopping) report(`the server ended with ${code ?? signal}`);
  });
  const line = await Promise.race([
    once(child.stdout, "data").then(([data]) => data.toString()),
    ended.then(([code, signal]) => {
      throw new Error(`infer --serve ended with ${code ?? signal} before it served`);
    }),
  ]);
  const address = /http:\S+/.exec(line)[0];
  const metrics = async () => (await fetch(`${address}/metrics`)).text();
  return {
    address,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    /** Bytes of resident memory. */
    memory: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))[1]) * 1024,
    /** Requests by status, and the batches of pictures so far. */
    async counts() {
      const text = await metrics();
      const found = [...text.matchAll(/asl_requests_total\{status="(\d+)"\} (\d+)/g)];
      const number = (name) => Number(new RegExp(`^${name} (\\d+)`, "m").exec(text)?.[1] ?? 0);
      return {
        statuses: Object.fromEntries(found.map(([, status, count]) => [status, Number(count)])),
        pictures: number("asl_batch_pictures_sum"),
        batches: number("asl_batch_pictures_count"),
      };
    },
    /** Ends it as an operator would; the exit code. */
    async stop() {
      stopping = true;
      child.kill("SIGTERM");
      const [code, signal] = await ended;
      process.off("exit", kill);
      return code ?? signal;
    },
  };
}

/** What `counts` has grown by. */
export function between(before, after) {
  const statuses = Object.entries(after.statuses).map(([status, count]) => [
    status,
    count - (before.statuses[status] ?? 0),
  ]);
  return {
    statuses: Object.fromEntries(statuses.filter(([, count]) => count > 0)),
    pictures: after.pictures - before.pictures,
    batches: after.batches - before.batches,
  };
}

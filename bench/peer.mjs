import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A Python peer that answers one JSON line per request. It sleeps while it is not asked. */
export function openPeer(script, { threads, python = process.env.PYTHON ?? "/usr/bin/python3" }) {
  const file = fileURLToPath(new URL(`./peers/${script}`, import.meta.url));
  const env = { ...process.env, OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) };
  const child = spawn(python, [file], { stdio: ["pipe", "pipe", "inherit"], env });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${script} ended; it needs Debian's python3-torch (apt-get install python3-torch)`);
      return JSON.parse(value);
    },
    close: () => child.stdin.end(),
  };
}

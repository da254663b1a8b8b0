import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { InputError } from "asl-core";

const NEEDS = {
  ".py": "it needs PyTorch: apt-get install python3-torch, or PYTHON=... with one of PyPI",
  ".mjs": "see the message above",
};

/** A program that answers one JSON line per request: a peer in Python, or our own side in Node. It sleeps while it is not asked. */
export function openPeer(script, { threads, python = process.env.PYTHON ?? "/usr/bin/python3" }) {
  const file = fileURLToPath(new URL(`./${script.endsWith(".py") ? "peers/" : ""}${script}`, import.meta.url));
  const env = { ...process.env, OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) };
  const program = script.endsWith(".py") ? python : process.execPath;
  const child = spawn(program, [file], { stdio: ["pipe", "pipe", "inherit"], env });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const needs = NEEDS[script.slice(script.lastIndexOf("."))];
  let failure = "ended";
  child.once("error", ({ message }) => {
    failure = `could not start: ${message}`;
  });
  // what it is asked after its end is told by the answer that does not come
  child.stdin.on("error", () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new InputError(`${script} ${failure}; ${needs}`);
      return JSON.parse(value);
    },
    /** Ends it; resolves when its memory is free again. */
    close() {
      child.stdin.end();
      return ended;
    },
  };
}

// Runtimes that a file is given to: {name, version, run(case)}, answers as bench/peers/foreign_runtimes.py gives them.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import ort from "onnxruntime-node";
import { chromium } from "playwright-core";
import { openPeer } from "../peer.mjs";

/** In the Python peer; the first only checks files. */
export const PYTHON_RUNTIMES = ["onnx.checker", "onnx reference", "OpenVINO", "tract", "OpenCV"];

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const require = createRequire(import.meta.url);
const TYPES = {
  ".html": "text/html",
  ".mjs": "text/javascript",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};
const ORIGIN = "http://files.test";

const seconds = async (work) => {
  const start = performance.now();
  const value = await work();
  return [value, (performance.now() - start) / 1000];
};

/** The fastest of three runs. */
async function timed(open, run) {
  const [session, load] = await seconds(open);
  const times = [];
  let outputs;
  for (let i = 0; i < 3; i++) {
    const [found, time] = await seconds(() => run(session));
    outputs = found;
    times.push(time);
  }
  return { outputs, load, run: Math.min(...times) };
}

export function onnxRuntimeNode() {
  return {
    name: "onnxruntime-node",
    async run({ file, images, outputs }) {
      const feeds = { images: new ort.Tensor(images.dtype, images.data, images.shape) };
      const answer = await timed(
        () => ort.InferenceSession.create(file),
        (session) => session.run(feeds),
      );
      const named = outputs.map((name) => [name, Array.from(answer.outputs[name].data, Number)]);
      return { version: ort.env.versions.node, ...answer, outputs: Object.fromEntries(named) };
    },
    close: async () => {},
  };
}

/** onnxruntime-web in a page: WebAssembly, one thread. */
export async function onnxRuntimeWeb() {
  const name = "onnxruntime-web, Chromium";
  const executablePath = CHROMIUM.find((each) => existsSync(each));
  if (executablePath === undefined) {
    return { name, run: async () => ({ missing: "Debian's package chromium" }), close: async () => {} };
  }
  const root = path.dirname(require.resolve("onnxruntime-web"));
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  const page = await browser.newPage();
  await page.route(`${ORIGIN}/**`, async (route) => {
    const asked = decodeURIComponent(new URL(route.request().url()).pathname);
    if (asked === "/") return route.fulfill({ contentType: "text/html", body: "<!doctype html>" });
    const file = asked.startsWith("/ort/") ? path.join(root, asked.slice("/ort/".length)) : asked;
    const contentType = TYPES[path.extname(file)] ?? "application/octet-stream";
    return route.fulfill({ contentType, body: await readFile(file) });
  });
  await page.goto(`${ORIGIN}/`);
  return {
    name,
    async run({ file, images, outputs }) {
      const { dtype, shape, data } = images;
      const task = {
        url: `${ORIGIN}${file}`,
        dtype,
        shape,
        data: Array.from(data),
        outputs,
        ort: `${ORIGIN}/ort/ort.wasm.min.mjs`,
      };
      try {
        return await page.evaluate(runInPage, task);
      } catch (error) {
        return { error: error.message.split("\n")[0] };
      }
    },
    close: () => browser.close(),
  };
}

/** Runs in the page. */
async function runInPage({ url, dtype, shape, data, outputs, ort: module }) {
  const ort = await import(module);
  ort.env.wasm.numThreads = 1;
  const begin = performance.now();
  const session = await ort.InferenceSession.create(url);
  const load = (performance.now() - begin) / 1000;
  const values = dtype === "uint8" ? Uint8Array.from(data) : Float32Array.from(data);
  const feeds = { images: new ort.Tensor(dtype, values, shape) };
  const times = [];
  let found;
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    found = await session.run(feeds);
    times.push((performance.now() - start) / 1000);
  }
  await session.release();
  const named = outputs.map((name) => [name, Array.from(found[name].data, Number)]);
  return { version: ort.env.versions.web, outputs: Object.fromEntries(named), load, run: Math.min(...times) };
}

/** One process for all of them. */
export function pythonRuntimes() {
  const peer = openPeer("foreign_runtimes.py", { threads: 1 });
  const of = (name) => ({
    name,
    run: ({ file, images, outputs }) => {
      const { buffer, byteOffset, byteLength } = images.data;
      const data = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
      return peer.ask({ runtime: name, file, outputs, images: { ...images, data } });
    },
    close: async () => {},
  });
  return { runtimes: PYTHON_RUNTIMES.map(of), close: async () => peer.close() };
}

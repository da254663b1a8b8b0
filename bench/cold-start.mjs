// How long does `infer` take for one picture, from nothing to its exit, beyond reading the checkpoint?
import { execFile, spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { writeSafetensors } from "asl-checkpoint";
import { initialize, tresnet, tresnetConfig } from "asl-core";
import sharp from "sharp";
import { bundleInfer } from "../scripts/bundle-infer.mjs";
import { median } from "./table.mjs";
import { temporaryFolder } from "./temporary-folder.mjs";

/** The command as it is published: in a few files. */
const MAIN = resolve(import.meta.dirname, "../apps/infer/dist/bin/asl-infer.js");
const TIMING = resolve(import.meta.dirname, "cold-start/timing.mjs");
const READ = resolve(import.meta.dirname, "cold-start/read-file.mjs");
const SIZES = [224, 448];
const CLASSES = 80;
const run1 = promisify(execFile);

/** Rows: seconds from the start of the process to its exit, less those of reading the file in another new process. */
export async function run({ runs, only, report }) {
  await bundleInfer();
  const folder = temporaryFolder("asl-cold-start-");
  const files = await checkpoints(folder, report);
  const picture = join(folder, "picture.jpg");
  await sharp({ create: { width: 640, height: 480, channels: 3, background: "#c43" } }).toFile(picture);
  const cases = Object.entries(files).flatMap(([kind, file]) => SIZES.map((size) => ({ kind, file, size })));
  const named = cases.map((each) => ({ ...each, name: `TResNet-L, ${each.kind}, ${each.size} px`, samples: [] }));
  const wanted = named.filter(({ name }) => name.includes(only));
  for (let round = 0; round < runs; round++) {
    report(`round ${round + 1} of ${runs} ...`);
    for (const { file, size, samples } of wanted) {
      const dropped = await dropCache(file);
      const read = await readAlone(file);
      await dropCache(file);
      samples.push({ dropped, read, ...(await infer(file, picture, size)) });
    }
  }
  const rows = wanted.map(({ name, samples }) => {
    const typical = figuresOf(samples);
    const cache = samples.every(({ dropped }) => dropped) ? "file out of the page cache" : "file in the page cache";
    const note = `${seconds(typical.total)} to the exit, ${seconds(typical.read)} reading; ${cache}`;
    return { name, ours: typical.beyond / 1000, peer: null, ratio: null, runs, note, ...typical, samples };
  });
  return { rows, trailer: `${phaseTable(rows)}\n\nNode, its libraries and this project's stay in the page cache.` };
}

async function checkpoints(folder, report) {
  const safetensors = join(folder, "tresnet_l.safetensors");
  const model = tresnet(tresnetConfig("tresnet_l", { classes: CLASSES }));
  await writeSafetensors(safetensors, { tensors: initialize(model.state, 1) });
  const pth = join(folder, "tresnet_l.pth");
  const writer = resolve(import.meta.dirname, "peers/write-pth.py");
  try {
    await run1(process.env.PYTHON ?? "/usr/bin/python3", [writer, safetensors, pth]);
  } catch (error) {
    report(`.pth is left out, PyTorch did not write one: ${error.message.split("\n").at(-2)}`);
    return { safetensors };
  }
  return { safetensors, pth };
}

/** Writes the file back and asks the kernel to forget its pages (coreutils' dd, posix_fadvise); whether it could. */
async function dropCache(file) {
  try {
    await run1("sync", [file]);
    await run1("dd", [`if=${file}`, "iflag=nocache", "count=0", "status=none"]);
    return true;
  } catch {
    return false;
  }
}

async function readAlone(file) {
  const { stdout } = await run1(process.execPath, [READ, file]);
  return Number(stdout);
}

/** One process: milliseconds to its exit as its parent sees it, and what it says of itself. */
function infer(model, picture, size) {
  const args = ["--import", TIMING, MAIN, picture, "--quiet", "--model", model, "--image-size", String(size)];
  const begin = performance.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit", "pipe"] });
  let text = "";
  child.stdio[3].on("data", (data) => {
    text += data;
  });
  let total;
  child.once("exit", () => {
    total = performance.now() - begin;
  });
  return new Promise((done, fail) => {
    child.once("close", (code) => {
      if (code !== 0) return fail(new Error(`infer ended with code ${code}`));
      const { phases, bootstrap, end, maxRSS, cpu } = JSON.parse(text);
      done({ total, parts: partsOf(phases, bootstrap, end, total), phases, memory: maxRSS * 1024, cpu: cpu / 1000 });
    });
  });
}

/** Milliseconds of each part, one after another; what runs at the same time counts where it is waited for. */
function partsOf(phases, bootstrap, end, total) {
  const command = phases.find(({ name }) => name === "command").start;
  const parts = { "start of Node": bootstrap + (total - end), imports: command - bootstrap };
  let at = command;
  for (const { name, start, duration } of phases.filter((phase) => phase.name !== "command").sort(byStart)) {
    parts.rest = (parts.rest ?? 0) + Math.max(0, start - at);
    parts[name] = (parts[name] ?? 0) + start + duration - Math.max(start, at);
    at = start + duration;
  }
  parts.rest = (parts.rest ?? 0) + end - at;
  return parts;
}

const byStart = (a, b) => a.start - b.start;

function figuresOf(samples) {
  const typical = (pick) => median(samples.map(pick));
  const parts = Object.fromEntries(
    Object.keys(samples[0].parts).map((part) => [part, typical((sample) => sample.parts[part] ?? 0)]),
  );
  return {
    total: typical(({ total }) => total),
    read: typical(({ read }) => read),
    beyond: typical(({ total, read }) => total - read),
    cpu: typical(({ cpu }) => cpu),
    memory: typical(({ memory }) => memory),
    parts,
  };
}

const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(2)} s`;

function phaseTable(rows) {
  if (rows.length === 0) return "";
  const names = Object.keys(rows[0].parts);
  const lines = names.map((name) => [name, ...rows.map(({ parts }) => `${(parts[name] ?? 0).toFixed(0)} ms`)]);
  const more = [
    ["processor time", ...rows.map(({ cpu }) => `${cpu.toFixed(0)} ms`)],
    ["most memory", ...rows.map(({ memory }) => `${(memory / 1e6).toFixed(0)} MB`)],
  ];
  const head = ["part", ...rows.map(({ name }) => name.replace("TResNet-L, ", ""))];
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [head, head.map(() => "---"), ...lines, ...more].map(line).join("\n");
}

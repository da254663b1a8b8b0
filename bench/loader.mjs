// What does a picture cost until it is a row of a batch, per core, against Pillow and torchvision?
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createLoader, decodePicture, generateEmojiScenes, resize } from "asl-data";
import { openPeer } from "./peer.mjs";
import { median } from "./table.mjs";
import { temporaryFolder } from "./temporary-folder.mjs";

const SIZE = 448;
const filter = "bilinear";
const COUNT = 24;
/** Rounds before the first that counts: V8 compiles WebAssembly and JavaScript again once they run often. */
const WARM_UP = 12;

/** Photographs of ../shared if they are there, else generated scenes of 640 px. */
async function pictures() {
  const photographs = resolve(import.meta.dirname, "../../shared/data/coco-free/train");
  if (existsSync(photographs)) {
    const names = readdirSync(photographs).filter((name) => name.endsWith(".jpg"));
    return { kind: "photographs", files: names.slice(0, COUNT).map((name) => join(photographs, name)), remove() {} };
  }
  const folder = temporaryFolder("asl-bench-loader-");
  const scenes = await generateEmojiScenes({ out: folder, split: "train", scenes: COUNT, imageSize: 640 });
  const files = readdirSync(scenes.pictures).map((name) => join(scenes.pictures, name));
  return { kind: "generated scenes", files, remove: () => rm(folder, { recursive: true }) };
}

/** CPU time of all threads: what a picture costs a core, whatever else the machine does. */
async function cpuSeconds(work) {
  const begin = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(begin);
  return { seconds: (user + system) / 1e6, result };
}

export async function run({ runs, only, report }) {
  const { kind, files, remove } = await pictures();
  const dataset = { classes: ["any"], items: files.map((file, i) => ({ name: `${i}`, file, labels: [] })) };
  const options = { imageSize: SIZE, batchSize: files.length, workers: 0, filter };
  const steps = [{ kind: "horizontalFlip" }, { kind: "randAugment", operations: 2, magnitude: 9, fill: [0, 0, 0] }];
  const augmenting = createLoader(dataset, { ...options, augment: { seed: 0, steps } });
  const plain = createLoader(dataset, options);
  const decoded = [];
  for (const file of files) decoded.push(await decodePicture(file));
  const batchOf = async (loader, epoch) => {
    for await (const { images } of loader.epoch(epoch)) return images;
  };
  const each = async (from, make) => {
    const made = [];
    for (const item of from) made.push(await make(item));
    return made;
  };
  const resized = (picture) => resize(picture, SIZE, SIZE, filter);
  const tasks = {
    decode: () => each(files, decodePicture),
    resize: () => each(decoded, resized),
    "decode + resize": () =>
      each(files, (file) => decodePicture(file, { resize: { width: SIZE, height: SIZE, filter } })),
    "decode + resize + tensor": () => batchOf(plain, 0),
    loader: (epoch) => batchOf(augmenting, epoch),
  };

  const peer = openPeer("loader.py", { threads: 1 });
  try {
    const { version } = await peer.ask({ files, size: SIZE });
    const rows = [];
    for (const [task, work] of Object.entries(tasks).filter(([name]) => name.includes(only))) {
      report(`${task} ...`);
      const hashed = task === "resize" || task === "decode" || task === "decode + resize";
      const { result } = await cpuSeconds(() => work(0));
      const { sha256 } = await peer.ask({ task, hash: hashed });
      const same = hashed ? (sha256 === hashOf(result) ? "same bytes" : "OTHER BYTES") : "";
      for (let i = 0; i < WARM_UP; i++) await work(runs + i + 1);
      const times = { ours: [], peer: [] };
      for (let i = 0; i < runs; i++) {
        times.ours.push((await cpuSeconds(() => work(i + 1))).seconds / files.length);
        times.peer.push((await peer.ask({ task })).seconds / files.length);
      }
      const [ours, theirs] = [median(times.ours), median(times.peer)];
      const note = [`CPU time per picture, ${files.length} ${kind}`, version, same].filter((part) => part !== "");
      rows.push({
        name: `${NAMES[task]}, ${SIZE} px`,
        ours,
        peer: theirs,
        ratio: ours / theirs,
        runs,
        note: note.join("; "),
      });
    }
    return { rows };
  } finally {
    peer.close();
    await remove();
  }
}

const NAMES = {
  decode: "decode JPEG",
  resize: "resize bilinear",
  "decode + resize": "decode + resize",
  "decode + resize + tensor": "decode + resize + tensor",
  loader: "decode + resize + flip + RandAugment 2,9 + tensor",
};

function hashOf(pictures) {
  const hash = createHash("sha256");
  for (const { data } of pictures) hash.update(data);
  return hash.digest("hex");
}

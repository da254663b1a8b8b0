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
const WARM_UP = 24;
/** Of the sequential JPEGs. */
const LARGER = [640, 480];

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
  const peer = openPeer("loader.py", { threads: 1 });
  const folder = temporaryFolder("asl-bench-sequential-");
  try {
    const measure = (measured, tasks) => measureTasks({ peer, runs, only, report, tasks, ...measured });
    const { version } = await peer.ask({ files, size: SIZE });
    await peer.ask({ sequential: folder, size: LARGER });
    const rows = await measure({ files, note: [`${files.length} ${kind}`, version] }, Object.keys(NAMES));
    const sequential = readdirSync(folder).map((name) => join(folder, name));
    await peer.ask({ files: sequential, size: SIZE });
    const note = ["the same pictures, quality 90", version];
    rows.push(
      ...(await measure({ files: sequential, note, suffix: `, from sequential ${LARGER.join(" x ")}` }, [
        "decode",
        "decode + resize",
      ])),
    );
    return { rows };
  } finally {
    peer.close();
    await rm(folder, { recursive: true });
    await remove();
  }
}

async function measureTasks({ peer, runs, only, report, tasks, files, note, suffix = "" }) {
  const work = await workOn(files);
  const rows = [];
  for (const task of tasks.filter((name) => name.includes(only))) {
    report(`${task}${suffix} ...`);
    const hashed = task === "resize" || task === "decode" || task === "decode + resize";
    const { result } = await cpuSeconds(() => work[task](0));
    const { sha256 } = await peer.ask({ task, hash: hashed });
    const same = hashed ? (sha256 === hashOf(result) ? "same bytes" : "OTHER BYTES") : "";
    for (let i = 0; i < WARM_UP; i++) await work[task](runs + i + 1);
    const times = { ours: [], peer: [] };
    for (let i = 0; i < runs; i++) {
      times.ours.push((await cpuSeconds(() => work[task](i + 1))).seconds / files.length);
      times.peer.push((await peer.ask({ task })).seconds / files.length);
    }
    const [ours, theirs] = [median(times.ours), median(times.peer)];
    rows.push({
      name: `${NAMES[task]}, ${SIZE} px${suffix}`,
      ours,
      peer: theirs,
      ratio: ours / theirs,
      runs,
      note: ["CPU time per picture", ...note, same].filter((part) => part !== "").join("; "),
    });
  }
  return rows;
}

/** Every task of NAMES on these files, by the number of the round. */
async function workOn(files) {
  const dataset = { classes: ["any"], items: files.map((file, i) => ({ name: `${i}`, file, labels: [] })) };
  const options = { imageSize: SIZE, batchSize: files.length, workers: 0, filter };
  const steps = [{ kind: "horizontalFlip" }, { kind: "randAugment", operations: 2, magnitude: 9, fill: [0, 0, 0] }];
  const augmenting = createLoader(dataset, { ...options, augment: { seed: 0, steps } });
  const plain = createLoader(dataset, options);
  const batchOf = async (loader, epoch) => {
    for await (const { images } of loader.epoch(epoch)) return images;
  };
  const each = async (from, make) => {
    const made = [];
    for (const item of from) made.push(await make(item));
    return made;
  };
  const decoded = await each(files, (file) => decodePicture(file));
  return {
    decode: () => each(files, (file) => decodePicture(file)),
    resize: () => each(decoded, (picture) => resize(picture, SIZE, SIZE, filter)),
    "decode + resize": () =>
      each(files, (file) => decodePicture(file, { resize: { width: SIZE, height: SIZE, filter } })),
    "decode + resize + tensor": () => batchOf(plain, 0),
    loader: (epoch) => batchOf(augmenting, epoch),
  };
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

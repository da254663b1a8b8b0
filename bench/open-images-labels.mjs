/**
 * How fast and in how much memory are Open Images' label rows read? A CSV file of made-up rows is written and opened;
 * the files of 1,000 pictures are there, the other pictures are left out.
 */
import { once } from "node:events";
import { createWriteStream, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openOpenImages } from "asl-data";
import { temporaryFolder } from "./temporary-folder.mjs";

const ROWS_PER_PICTURE = 10;
const PICTURES_THERE = 1000;

const labelName = (index) => `/m/0${index.toString(36)}`;
const imageId = (index) => (index * 7919).toString(16).padStart(16, "0");

export async function run({ rows = 2_000_000, classes = 9_605, report }) {
  const folder = temporaryFolder("asl-open-images-labels-");
  try {
    report(`writing ${rows} rows`);
    await writeFiles(folder, rows, classes);
    return { rows: [await read(folder, rows)] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function writeFiles(folder, rows, classes) {
  const descriptions = Array.from({ length: classes }, (_, index) => `${labelName(index)},class ${index}\n`);
  writeFileSync(join(folder, "descriptions.csv"), descriptions.join(""));
  mkdirSync(join(folder, "train"));
  const pictures = Math.min(PICTURES_THERE, Math.ceil(rows / ROWS_PER_PICTURE));
  for (let index = 0; index < pictures; index++) writeFileSync(join(folder, "train", `${imageId(index)}.jpg`), "");
  const out = createWriteStream(join(folder, "labels.csv"));
  out.write("ImageID,Source,LabelName,Confidence\n");
  for (let row = 0; row < rows; ) {
    let text = "";
    for (const end = Math.min(rows, row + 10_000); row < end; row++) {
      const image = imageId(Math.floor(row / ROWS_PER_PICTURE));
      text += `${image},verification,${labelName((row * 31) % classes)},${row % 2}\n`;
    }
    if (!out.write(text)) await once(out, "drain");
  }
  out.end();
  await once(out, "finish");
}

async function read(folder, rows) {
  const before = process.memoryUsage.rss();
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 20);
  const cpu = process.cpuUsage();
  const begin = performance.now();
  const { items } = await openOpenImages({
    labels: join(folder, "labels.csv"),
    descriptions: join(folder, "descriptions.csv"),
    pictures: join(folder, "train"),
    skipMissing: true,
  });
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const cpuSeconds = (user + system) / 1e6;
  clearInterval(watch);
  const addedBytes = peak - before;
  const note = `${Math.round(rows / cpuSeconds)} rows per second of CPU; ${(addedBytes / 2 ** 20).toFixed(0)} MiB more at the peak; ${items.length} pictures kept`;
  return { name: `${rows} label rows`, ours: seconds, runs: 1, cpuSeconds, addedBytes, note };
}

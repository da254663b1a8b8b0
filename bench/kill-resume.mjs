// Does a training run that is killed at any moment and resumed end with the bits of one that was not?
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readCheckpoint, readSnapshot } from "asl-checkpoint";
import { createRandom } from "asl-core";
import { generateEmojiScenes } from "asl-data";
import { temporaryFolder } from "./temporary-folder.mjs";

const MAIN = resolve(import.meta.dirname, "../apps/train/dist/main.js");
const OPTIONS = [
  ..."--no-report --blocks 1,1,1,1 --width 0.0625 --image-size 32 --batch-size 4 --workers 1 --epochs 2".split(" "),
  ..."--loss asl-adaptive --rand-augment 2,9 --mixup 0.4 --snapshot-every 1".split(" "),
];

export async function run({ kills, report }) {
  const folder = temporaryFolder("asl-kill-resume-");
  try {
    const scenes = await generateEmojiScenes({
      out: join(folder, "scenes"),
      split: "train",
      scenes: 32,
      imageSize: 32,
    });
    const { pictures, annotations } = scenes;
    const data = [
      ...["--data", pictures, "--annotations", annotations],
      ...["--val-data", pictures, "--val-annotations", annotations],
    ];
    const start = (name, more = []) => {
      const args = [MAIN, ...data, ...OPTIONS, "--out", join(folder, name), ...more];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
      let stderr = "";
      child.stderr.on("data", (text) => {
        stderr += text;
      });
      const ended = new Promise((done) => child.on("close", (code, signal) => done({ code, signal, stderr })));
      return { child, ended };
    };
    const finish = async (name, more) => {
      const { code, stderr } = await start(name, more).ended;
      if (code !== 0) throw new Error(`${name} ended with code ${code}: ${stderr}`);
    };

    const begin = performance.now();
    await finish("whole");
    const duration = performance.now() - begin;
    const expected = await hashOf(join(folder, "whole"));
    report(`uninterrupted: ${(duration / 1000).toFixed(1)} s, ${expected}`);

    const random = createRandom("kill-resume");
    const counts = { equal: 0, killed: 0, withSnapshot: 0 };
    for (let kill = 1; kill <= kills; kill++) {
      const name = `killed-${kill}`;
      // the first half only starts up; most kills should meet a run at work
      const delay = duration * (kill % 5 === 0 ? random.between(0, 0.5) : random.between(0.3, 1));
      const { child, ended } = start(name);
      const timer = setTimeout(() => child.kill("SIGKILL"), delay);
      const { signal } = await ended;
      clearTimeout(timer);
      if (signal === "SIGKILL") counts.killed++;
      if (await readable(join(folder, name))) counts.withSnapshot++;
      await finish(name, ["--resume"]);
      const hash = await hashOf(join(folder, name));
      if (hash === expected) counts.equal++;
      report(`${kill}/${kills}: ${signal ?? "ended"} after ${(delay / 1000).toFixed(2)} s, ${hash.slice(0, 16)}`);
      await rm(join(folder, name), { recursive: true });
    }
    if (counts.equal !== kills) process.exitCode = 1;
    const note =
      `${counts.equal} of ${kills} runs ended with the SHA-256 ${expected.slice(0, 16)} of the uninterrupted one; ` +
      `${counts.killed} met SIGKILL while running, ${counts.withSnapshot} of them left a snapshot`;
    return {
      rows: [{ name: "kill -9 and resume", ours: null, peer: null, ratio: null, runs: kills, note }],
      ...counts,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Whether a killed run has left a snapshot. Throws when a file that has its final name is not whole. */
async function readable(folder) {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  for (const name of names.filter((each) => each.endsWith(".safetensors"))) await readCheckpoint(join(folder, name));
  for (const name of names.filter((each) => each.endsWith(".json")))
    JSON.parse(readFileSync(join(folder, name), "utf8"));
  if (!names.includes("last.snapshot")) return false;
  await readSnapshot(join(folder, "last.snapshot"));
  return true;
}

/** Of all that a run ends with, times left out: weights, their averages, Adam's state, losses and scores. */
async function hashOf(folder) {
  const hash = createHash("sha256");
  for (const file of ["best.safetensors", "best-ema.safetensors", "steps.csv"]) {
    hash.update(readFileSync(join(folder, file)));
  }
  const { state } = await readSnapshot(join(folder, "last.snapshot"));
  for (const name of Object.keys(state).sort()) {
    const { data } = state[name];
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  const rows = readFileSync(join(folder, "metrics.csv"), "utf8").trimEnd().split("\n");
  const head = rows[0].split(",");
  const timed = ["images_per_second", "seconds"].map((name) => head.indexOf(name));
  for (const row of rows) {
    const values = row.split(",").filter((_, column) => !timed.includes(column));
    hash.update(values.join());
  }
  return hash.digest("hex");
}

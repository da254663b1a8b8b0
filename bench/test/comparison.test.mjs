import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { emojiClassNames } from "asl-data";
import { pageData } from "asl-report";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drawGlyphs } from "../../packages/asl-data/src/emoji/glyphs.ts";
import * as ablation from "../ablation.mjs";
import { balanceByEpoch, negativeGradient, removedPositives } from "../comparison/balance.mjs";
import { ablationPage } from "../comparison/page.mjs";
import { withoutLabels } from "../comparison/scenes.mjs";
import { SETTINGS } from "../comparison/settings.mjs";
import { tInterval } from "../comparison/statistics.mjs";
import * as fineTuning from "../fine-tuning.mjs";
import * as losses from "../paper-losses.mjs";

const BENCH = path.resolve(import.meta.dirname, "../run.mjs");

/** Ends with {code, stdout, stderr}; `onStderr` sees the child and what it has said so far. */
function bench(args, onStderr = () => undefined) {
  const child = spawn(process.execPath, [BENCH, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (text) => {
    said.stdout += text;
  });
  child.stderr.on("data", (text) => {
    said.stderr += text;
    onStderr(child, said.stderr);
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, ...said })));
}

describe("the statistics of a comparison", () => {
  it("the interval is Student's t: t(0.975, 2) = 4.302653", () => {
    const { mean, low, high } = tInterval([1, 2, 3]);
    expect(mean).toBe(2);
    const half = 4.30265272974946 / Math.sqrt(3);
    expect(low).toBeCloseTo(2 - half, 9);
    expect(high).toBeCloseTo(2 + half, 9);
  });

  it("one seed has no interval, and none has no mean", () => {
    expect(tInterval([5])).toEqual({ mean: 5, low: null, high: null });
    expect(tInterval([])).toEqual({ mean: null, low: null, high: null });
  });

  it("the difference to cross-entropy is of the pairs with the same seed", () => {
    const record = (loss, seed, mAP) => ({
      run: { arm: "scratch", loss, seed },
      record: {
        mAP,
        mAPLast: mAP,
        gammaNeg: 0,
        removed: null,
        balance: [{ pPositive: 0.6, pNegative: 0.9, gap: -0.3 }],
      },
    });
    const records = [record("bce", 1, 10), record("bce", 2, 20), record("asl", 1, 12), record("asl", 2, 22)];
    const [ce, asl] = losses.rowsOf(records, { arms: ["scratch"], losses: ["bce", "asl"], cost: {} });
    expect(ce).toMatchObject({ loss: "bce", mAP: 15, seeds: 2, difference: null });
    expect(asl).toMatchObject({ loss: "asl", mAP: 17, seeds: 2, difference: { mean: 2, low: 2, high: 2 } });
  });

  it("each kind of an ablation is trained once for each seed, and EMA off is the base's regular weights", () => {
    const runs = ablation.runsOf(["clip", "EMA", "resize"], 2);
    expect(runs.map(({ name }) => name)).toEqual(
      [1, 2].flatMap((seed) =>
        ["clip-0", "base", "clip-0.2", "squish", "crop"].map((kind) => `ablation-${kind}-seed${seed}`),
      ),
    );
    const records = [1, 2].map((seed) => ({
      run: { kind: "base", seed },
      record: { mAP: 30 + seed, mAPLast: 20 + 2 * seed, balance: [{ gap: 0 }] },
    }));
    const rows = ablation.rowsOf(records, ["EMA"]);
    expect(rows.map(({ value, mAP, difference }) => [value, mAP, difference?.mean])).toEqual([
      ["on", 31.5, undefined],
      ["off", 23, -8.5],
    ]);
  });
});

it("fine-tuning trains each start once for each seed, and compares pairs with the same seed", () => {
  const runs = fineTuning.runsOf(2);
  expect(runs.map(({ name }) => name)).toEqual(
    [1, 2].flatMap((seed) => ["scratch", "backbone"].map((start) => `fine-tuning-${start}-seed${seed}`)),
  );
  const mAP = { scratch: [10, 20], backbone: [13, 25] };
  const records = runs.map((run) => {
    const value = mAP[run.start][run.seed - 1];
    return { run, record: { mAP: value, mAPLast: value - 1 } };
  });
  const [scratch, backbone] = fineTuning.rowsOf(records);
  expect(scratch).toMatchObject({ start: "scratch", mAP: 15, seeds: 2, difference: null, mAPLast: 14 });
  expect(backbone).toMatchObject({ start: "backbone", mAP: 19, seeds: 2, difference: { mean: 4 } });
});

it("a page of an ablation has a table for each factor, and one without runs has dashes", () => {
  const rows = ablation.rowsOf([], ["clip", "EMA"]);
  const page = ablationPage({ rows, settings: { scenes: 1, epochs: 1 } });
  expect(page.match(/<tr><th scope="row">/g)).toHaveLength(5);
  expect(page).not.toMatch(/NaN|undefined|null%/);
});

it.each([
  ["runs", SETTINGS.families],
  ["pretraining", SETTINGS.pretraining.families],
])("the drawings of %s have every class", async (_, families) => {
  const names = emojiClassNames(SETTINGS.classes);
  const { glyphs } = await drawGlyphs(names, families, 16);
  const drawn = new Set(glyphs.map(({ categoryIds: [first] }) => first));
  expect(drawn.size).toBe(names.length);
});

describe("the probabilities of a run", () => {
  it("balance by epoch: mean p of positives, mean 1 - p of negatives, and the gap between them", () => {
    const steps = "step,epoch,gamma_neg,p_plus,p_minus\n1,1,4,0.2,0.8\n2,1,4,0.4,0.9\n3,2,3,0.6,0.7\n4,2,3,0,0.5\n";
    const [first, second] = balanceByEpoch(steps);
    expect(first.pPositive).toBeCloseTo(0.3, 12);
    expect(first.gap).toBeCloseTo(0.3 - 0.85, 12);
    // a step without positives says nothing about them
    expect(second).toMatchObject({ epoch: 2, pPositive: 0.6, pNegative: 0.6, gammaNeg: 3 });
  });

  it("the pull at a negative is the derivative of its loss with the focusing weight held", () => {
    const loss = (logit, weight, clip) => {
      const p = 1 / (1 + Math.exp(-logit));
      return -weight * Math.log(1 - Math.max(p - clip, 0));
    };
    for (const [gammaNeg, clip] of [
      [0, 0],
      [2, 0],
      [4, 0.05],
    ]) {
      for (const logit of [-4, -1, 0.5, 2]) {
        const p = 1 / (1 + Math.exp(-logit));
        const weight = Math.max(p - clip, 0) ** gammaNeg;
        const slope = (loss(logit + 1e-6, weight, clip) - loss(logit - 1e-6, weight, clip)) / 2e-6;
        expect(negativeGradient(p, { gammaNeg, clip })).toBeCloseTo(slope, 7);
      }
    }
  });

  it("removed positives are apart from kept ones and from true negatives", () => {
    // two pictures of three classes: class 0 kept, class 1 of the first removed
    const targets = Float32Array.of(1, 0, 0, 1, 0, 0);
    const scores = Float32Array.of(0.9, 0.5, 0.125, 0.7, 0.25, 0.125);
    const found = removedPositives({ scores, targets }, [[1], []], 3, { gammaNeg: 0, clip: 0.2 });
    expect(found.count).toBe(1);
    expect(found.pKept).toBeCloseTo(0.8, 6);
    expect(found.pRemoved).toBe(0.5);
    expect(found.pNegative).toBeCloseTo(0.5 / 3, 6);
    expect(found.gradientShareOfCrossEntropy).toBe(0.5);
    // the clip drops two of the negatives
    expect(found.gradientShare).toBeCloseTo(0.25 / 0.7 / (0.25 / 0.7 + 0.1875 / 0.95), 6);
  });

  it("a larger share of removed labels holds all of a smaller one, and depends on the seed alone", () => {
    const items = Array.from({ length: 200 }, (_, i) => ({ name: `${i}`, file: `${i}`, labels: [0, 1, 2, 3] }));
    const dataset = { classes: ["a", "b", "c", "d"], items };
    const [some, more, again] = [0.3, 0.6, 0.3].map((share) => withoutLabels(dataset, share, 1));
    expect(again).toEqual(some);
    some.removed.forEach((labels, i) => {
      expect(more.removed[i]).toEqual(expect.arrayContaining(labels));
      expect([...labels, ...some.dataset.items[i].labels].sort()).toEqual([0, 1, 2, 3]);
    });
    const share = some.removed.flat().length / 800;
    expect(Math.abs(share - 0.3)).toBeLessThan(0.06);
    expect(withoutLabels(dataset, 0.3, 2).removed).not.toEqual(some.removed);
  });
});

describe("npx pnpm@10 bench paper-losses --quick", () => {
  let folder;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "asl-bench-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const args = (...more) => ["paper-losses", "--quick", "--store", path.join(folder, "store"), ...more];
  const results = () => path.join(folder, "store/quick/results");

  it("stopped, it goes on where it was, keeps what is finished, and writes rows with intervals", async () => {
    const chosen = args("--arms", "removed-60", "--losses", "bce,asl", "--seeds", "2");
    let stopped = false;
    const first = await bench(chosen, (child, said) => {
      if (stopped || !said.includes("1/4 ")) return;
      stopped = true;
      child.kill("SIGINT");
    });
    expect(first.code).toBe(130);
    const finished = readdirSync(results());
    expect(finished.length).toBeGreaterThan(0);
    expect(finished.length).toBeLessThan(5);
    const times = finished.map((name) => statSync(path.join(results(), name)).mtimeMs);

    const json = path.join(folder, "rows.json");
    const second = await bench([...chosen, "--json", json]);
    expect(second).toMatchObject({ code: 0 });
    expect(finished.map((name) => statSync(path.join(results(), name)).mtimeMs)).toEqual(times);
    const { rows, runs } = JSON.parse(readFileSync(json, "utf8"));
    expect(rows.map(({ arm, loss, seeds }) => [arm, loss, seeds])).toEqual([
      ["removed-60", "bce", 2],
      ["removed-60", "asl", 2],
    ]);
    for (const { mAP, low, high, lossShare, pRemoved } of rows) {
      expect(mAP).toBeGreaterThan(0);
      expect(low).toBeLessThanOrEqual(mAP);
      expect(high).toBeGreaterThanOrEqual(mAP);
      expect(lossShare).toBeGreaterThan(0);
      expect(pRemoved).toBeGreaterThan(0);
    }
    for (const { balance, epochs } of runs) {
      expect(balance.map(({ epoch }) => epoch)).toEqual([1, 2]);
      expect(epochs).toHaveLength(2);
    }
    const page = readFileSync(path.join(folder, "store/quick/paper-losses.html"), "utf8");
    expect(pageData(page).rows).toEqual(rows);
    expect(page.match(/<h2 id="[\w-]+">.*?<\/h2>/g)).toHaveLength(2);
    expect(page.match(/<figcaption>(CE|ASL)</g)).toEqual(["<figcaption>CE<", "<figcaption>ASL<"]);
    expect(page).not.toMatch(/https?:/);
    expect(existsSync(path.join(folder, "store/quick/runs/removed-60-bce-seed1"))).toBe(false);
  });

  it("--table trains nothing and says what is missing", async () => {
    const { code, stdout, stderr } = await bench(args("--table", "--seeds", "2"));
    expect(code).toBe(1);
    expect(stdout).toContain("removed-60");
    expect(stderr).toContain("28 of 32 runs are missing");
  });

  it("results of other settings are refused, naming what differs", async () => {
    const { code, stderr } = await bench(args("--table", "--epochs", "3"));
    expect(code).toBe(1);
    expect(stderr).toContain("epochs was 2, now 3. Repeat them, or name another --store");
  });

  it("a file that is no result is refused, not overwritten", async () => {
    const file = path.join(results(), "pretrained-bce-seed1.json");
    writeFileSync(file, "{");
    const { code, stderr } = await bench(args());
    expect(code).toBe(1);
    expect(stderr).toContain("pretrained-bce-seed1.json: not a result of a comparison");
  });

  it("wrong names are wrong arguments", async () => {
    const { code, stderr } = await bench(args("--arms", "scratch,nothing"));
    expect(code).toBe(2);
    expect(stderr).toContain("some of scratch, pretrained, removed-30, removed-60, with commas");
  });
});

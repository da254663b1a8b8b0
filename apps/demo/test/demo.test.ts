import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));

let parent: string;
let out: string;

beforeAll(async () => {
  parent = await mkdtemp(path.join(tmpdir(), "asl-demo-"));
  out = path.join(parent, "demo");
});
afterAll(() => rm(parent, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs the demo, interrupting it once its output matches. Ends when it and all its children have closed the output. */
function demo(interruptAt?: RegExp): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, "--quick", "--out", out], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let interrupted = false;
  const listen = (chunk: Buffer) => {
    output += chunk.toString("utf8");
    if (interrupted || interruptAt === undefined || !interruptAt.test(output)) return;
    interrupted = true;
    child.kill("SIGINT");
  };
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

/** Everything but the scenes and the training run. */
const results = async () => (await readdir(out)).filter((name) => name !== "scenes" && name !== "train").sort();

describe("the demo, in its quick form", () => {
  it("stops with all its children when interrupted during training, with exit code 130 and no result", async () => {
    const { code, output } = await demo(/pnpm@10 train /);
    expect(code).toBe(130);
    expect(output).toMatch(/stopped\. The same command goes on from here/);
    expect(await results()).toEqual(["demo.json"]);
  });

  it("goes on with the interrupted run and ends with a table, the same as JSON, a page and a checked file", async () => {
    const { code, output } = await demo();
    expect(output).toMatch(/holds an interrupted run with the same settings: going on/);
    expect(code).toBe(0);
    expect(await results()).toEqual(["demo.json", "index.html", "model.onnx", "summary.json", "tagged"]);

    const summary = JSON.parse(await readFile(path.join(out, "summary.json"), "utf8")) as Record<string, number>;
    expect(Object.keys(summary)).toEqual([
      "mAP",
      "mAPHeldOutFamily",
      "CF1",
      "seconds",
      "imagesPerSecond",
      "onnxMaxError",
    ]);
    for (const value of Object.values(summary)) expect(value).toSatisfy(Number.isFinite);
    expect(output).toMatch(new RegExp(`mAP, unseen scenes +${summary.mAP!.toFixed(2)}\n`));

    const page = await readFile(path.join(out, "index.html"), "utf8");
    expect(page.match(/<li class="scene" data-split="unseen"/g)).toHaveLength(32);
    expect(page.match(/<li class="scene" data-split="heldOut"/g)).toHaveLength(19);
    expect(page).not.toMatch(/https?:/);
    for (const app of ["train", "validate", "infer", "export"]) expect(page).toContain(`$ npx pnpm@10 ${app} `);
  });

  it("says that a complete run is replaced", async () => {
    const { output } = await demo(/it is replaced/);
    expect(output).toMatch(/holds a run \(complete\): it is replaced/);
  });
});

import { readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateEmojiScenes } from "asl-data";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "./run-command.js";

const CHECKPOINT = readFileSync(
  fileURLToPath(new URL("../../../fixtures/models/tresnet_tiny/checkpoint.pth", import.meta.url)),
);

/** A mirror on this machine that has one of the published names. */
const requests: string[] = [];
const mirror = createServer((request, response) => {
  requests.push(request.url ?? "");
  if (request.url?.endsWith("MS_COCO_TRresNet_M_224_81.8.pth") === true) response.end(CHECKPOINT);
  else response.writeHead(404).end();
});

let folder = "";
let published: readonly string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "asl-infer-zoo-"));
  await generateEmojiScenes({ out: join(folder, "scenes"), split: "val", scenes: 1 });
  await new Promise<void>((resolve) => mirror.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
  published = [join(folder, "scenes/pictures"), "--mirror", origin, "--cache-dir", join(folder, "cache"), "--json"];
});
afterAll(() => {
  mirror.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("published models", () => {
  it("--list-models prints the table, and all of it as JSON", async () => {
    const text = await run("infer", ["--list-models"], folder);
    expect(text.stdout).toMatch(/asl_tresnet_l_coco_448 +tresnet_l +MS-COCO 2014 +80 +448 +mAP 86\.6 +MIT/);
    expect(text.stdout.trimEnd().split("\n")).toHaveLength(17);
    const json = await run("infer", ["--list-models", "--json"], folder);
    expect(JSON.parse(json.stdout)).toHaveLength(16);
  });

  it("--model NAME fetches once, says licence and hash, and works --offline afterwards", async () => {
    const first = await run("infer", [...published, "--model", "asl_tresnet_m_coco_224"], folder);
    expect(first.code, first.stderr).toBe(0);
    expect(first.stderr).toMatch(/asl_tresnet_m_coco_224: .*MS_COCO_TRresNet_M_224_81\.8\.pth \(\d+ bytes, SHA-256 /);
    expect(first.stderr).toMatch(/licence MIT, see https:\/\/github\.com\/Alibaba-MIIL\/ASL/);
    expect(first.stderr).toMatch(/20 classes, 224 px/);
    const again = await run("infer", [...published, "--model", "asl_tresnet_m_coco_224", "--offline"], folder);
    expect(again.stdout).toBe(first.stdout);
    expect(requests).toHaveLength(1);
  });

  it("a model that is not there, or not in the cache, is one clear line", async () => {
    const absent = await run("infer", [...published, "--model", "tresnet_m.miil_in21k"], folder);
    expect(absent.code).toBe(1);
    expect(absent.stderr).toMatch(/error: http:.*the server answers 404 Not Found/);
    const offline = await run("infer", [...published, "--model", "tresnet_l.miil_in1k", "--offline"], folder);
    expect(offline.stderr).toMatch(/error: tresnet_l\.miil_in1k: not in the cache/);
  });
});

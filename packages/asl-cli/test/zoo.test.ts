import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { zooModel } from "asl-zoo";
import { afterAll, describe, expect, it } from "vitest";
import { createReporter, resolveModel } from "../src/index.js";

const cache = mkdtempSync(join(tmpdir(), "asl-zoo-cache-"));
afterAll(() => rmSync(cache, { recursive: true }));

/** As `fetchModel` leaves it. */
function cached(name: string): string {
  const { url, source, license } = zooModel(name);
  const file = join(cache, "models", name, new URL(url).pathname.split("/").at(-1)!);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "weights");
  const record = { url, bytes: 7, sha256: "0".repeat(64), etag: null, license, source, fetched: "2024-01-01" };
  writeFileSync(`${file}.json`, JSON.stringify(record));
  return file;
}

async function resolve(text: string, startsTraining = false) {
  const warnings: string[] = [];
  const report = { ...createReporter({ quiet: true }), warn: (line: string) => warnings.push(line) };
  const options = { cacheDir: cache, offline: true, startsTraining } as const;
  const { file } = await resolveModel(text, options, { report, signal: new AbortController().signal });
  return { file, warnings };
}

describe("resolveModel", () => {
  it("warns of models for one class a picture, but where a training starts from them", async () => {
    const [one, several] = ["tresnet_m.miil_in1k", "asl_tresnet_m_coco_224"] as const;
    const file = cached(one);
    expect(await resolve(one)).toEqual({ file, warnings: [expect.stringMatching(/exactly one class.*--weights/)] });
    expect(await resolve(one, true)).toEqual({ file, warnings: [] });
    cached(several);
    expect(await resolve(several)).toMatchObject({ warnings: [] });
  });

  it("leaves paths to what reads them, and names the models that are like a name that is none", async () => {
    for (const file of ["none.pth", "runs/none"]) expect(await resolve(file)).toEqual({ file, warnings: [] });
    await expect(resolve("asl_tresnet_m")).rejects.toThrow(
      /no such file, and no model of this name; nearest: asl_tresnet_m/,
    );
  });
});

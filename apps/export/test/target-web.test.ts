import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHECKPOINT, noise, run, scoresOf, temporaryFolder } from "./support.js";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((each) =>
  existsSync(each),
);
const ONNX_RUNTIME = fileURLToPath(new URL("../node_modules/onnxruntime-web", import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};
const typeOf = (file: string) => TYPES[path.extname(file)] ?? "application/octet-stream";

const PRECISIONS = { float32: [], fp16: ["--fp16"], int8: ["--int8"] } as const;

describe.skipIf(CHROMIUM === undefined)("--target web (skipped without Chromium)", () => {
  let folder: string;
  let picture: string;
  let browser: Browser;
  const server = createServer(async (request, response) => {
    const file = path.join(folder, request.url!);
    if (!existsSync(file)) return response.writeHead(404).end();
    return response.setHeader("content-type", typeOf(file)).end(await readFile(file));
  });

  beforeAll(async () => {
    folder = await temporaryFolder();
    await mkdir(path.join(folder, "pictures"));
    picture = path.join(folder, "pictures", "picture.png");
    await noise(90, 70).toFile(picture);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox", "--disable-gpu"] });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    server.close();
  });

  it.each(Object.entries(PRECISIONS))(
    "%s: the page tags a picture as ONNX Runtime does here",
    async (precision, flags) => {
      const out = path.join(folder, precision);
      const calibrate = precision === "int8" ? ["--calibrate", path.dirname(picture)] : [];
      const options = ["--model", CHECKPOINT, "--image-size", "64", "--target", "web", ...flags, ...calibrate];
      const { code, stderr } = await run(...options, "--out", out);
      expect(code, stderr).toBe(0);

      await using page = await browser.newPage();
      const { version } = JSON.parse(await readFile(path.join(ONNX_RUNTIME, "package.json"), "utf8"));
      const cdn = `https://cdn.jsdelivr.net/npm/onnxruntime-web@${version}/`;
      await page.route(`${cdn}**`, async (route) => {
        const file = path.join(ONNX_RUNTIME, route.request().url().slice(cdn.length));
        const headers = { "access-control-allow-origin": "*" };
        await route.fulfill({ body: await readFile(file), contentType: typeOf(file), headers });
      });
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${precision}/index.html`);
      const status = page.locator("[role=status]");
      await status.filter({ hasText: "Choose a picture: 20 classes." }).waitFor({ timeout: 120_000 });
      await page.locator("input").setInputFiles(picture);
      await status.filter({ hasText: /picture.png|No class/ }).waitFor({ timeout: 120_000 });
      expect(await status.textContent()).not.toContain("picture.png:");

      const module = `
      import("./tagger.js").then(async ({ openTagger, pixelsOf }) => {
        const tagger = await openTagger();
        return (await tagger.tag(await pixelsOf(document.querySelector("input").files[0]))).scores;
      })`;
      const scores = (await page.evaluate(module)) as number[];
      const expected = await scoresOf(path.join(out, "model.onnx"), picture);
      expect(scores).toHaveLength(20);
      for (const [index, score] of expected.entries()) expect(scores[index]).toBeCloseTo(score, 5);
      const above = scores.filter((score) => score > 0.8);
      expect(await page.locator("li").count()).toBe(above.length);
    },
    120_000,
  );
});

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CHROMIUM, launchChromium } from "./chromium.js";
import { drawScenes, scoresInNode, tinyCheckpoint } from "./scenes.js";
import { type ServedSite, serveSite } from "./site.js";

if (CHROMIUM === undefined) console.warn("playground: no Chromium is installed, so the page is not tested");

describe.skipIf(CHROMIUM === undefined)("the playground in Chromium (skipped where none is installed)", () => {
  let site: ServedSite;
  let browser: Browser;
  let page: Page;
  let folder: string;
  let checkpoint: Buffer;
  let scenes: readonly string[];
  /** Console errors, exceptions and requests to other hosts: there must be none. */
  const problems: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "asl-playground-scenes-"));
    [site, browser, checkpoint, scenes] = await Promise.all([
      serveSite(),
      launchChromium(),
      tinyCheckpoint(),
      drawScenes(path.join(folder, "scenes"), 4),
    ]);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await site?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    problems.length = 0;
    page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith(site.url) && !/^(data|blob):/.test(request.url())) problems.push(request.url());
    });
    await page.goto(site.url);
  });

  afterEach(async () => {
    await page.close();
    expect(problems).toEqual([]);
  });

  const giveModel = (name: string, buffer: Buffer) =>
    page.getByLabel("Choose a model file").setInputFiles({ name, mimeType: "application/octet-stream", buffer });

  const loadTiny = async () => {
    await giveModel("tiny.safetensors", checkpoint);
    await page.getByText("TResNet 2-2-2-1, 8 planes").waitFor();
  };

  const givePictures = async (files: readonly string[]) => {
    await page.getByLabel("Choose pictures").setInputFiles([...files]);
    await expect.poll(() => page.locator(".card .timing").count(), { timeout: 60_000 }).toBe(files.length);
  };

  test("a picture gets the scores that the command line gives it", async () => {
    await loadTiny();
    await givePictures(scenes.slice(0, 1));
    await page.getByRole("button", { name: "Show all 20" }).click();
    const rows = await page.locator(".scores li").evaluateAll((items) =>
      items.map((item) => ({
        name: item.querySelector(".label")!.textContent,
        percent: Number.parseFloat(item.querySelector(".number")!.textContent),
      })),
    );
    const expected = await scoresInNode(checkpoint, scenes[0]!);
    expect(rows.map(({ name }) => name).sort()).toEqual([...expected.keys()].sort());
    // shown as whole percents; the two runtimes may round a half to either side
    for (const { name, percent } of rows) expect(Math.abs(percent - 100 * expected.get(name)!)).toBeLessThan(0.5001);
    expect(await page.locator(".timing").textContent()).toMatch(
      /^decode [\d.]+ ms · resize [\d.]+ ms · run [\d.]+ ms$/,
    );
  });
});

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "playwright-core";
import { launchChromium } from "./chromium.js";
import { drawScenes, tinyCheckpoint } from "./scenes.js";
import { serveSite } from "./site.js";

const DEMO_MODEL = new URL("../../../runs/demo/train/best-ema.safetensors", import.meta.url);

/** Drives the built page through its states and writes a picture of each, light, dark and at telephone width. */
export async function takeScreenshots(out: string): Promise<void> {
  await mkdir(out, { recursive: true });
  const folder = await mkdtemp(path.join(tmpdir(), "asl-playground-screenshots-"));
  await using site = await serveSite();
  const browser = await launchChromium();
  try {
    const scenes = await drawScenes(path.join(folder, "scenes"), 4);
    const page = await browser.newPage({ viewport: { width: 1200, height: 860 } });
    page.setDefaultTimeout(300_000);
    const shoot = async (name: string) => {
      await page.screenshot({ path: path.join(out, `${name}.png`), fullPage: true });
      process.stdout.write(`${path.join(out, `${name}.png`)}\n`);
    };
    await page.goto(site.url);
    await page.locator(".hint.wide, .row > button.primary").first().waitFor();
    await shoot("start");

    await loadModel(page, () => shoot("loading"));
    await page.locator("#tag input[type=file]").setInputFiles([...scenes]);
    await page.waitForFunction((count) => document.querySelectorAll(".card .timing").length === count, scenes.length);
    await shoot("tagging");

    await page.getByLabel("Label to teach").fill("my mug");
    await page.getByRole("button", { name: "Add label" }).click();
    await page.locator(".examples").getByRole("checkbox").first().check();
    await page.getByRole("button", { name: "Train the last layer" }).click();
    await page.locator(".changes").waitFor();
    await shoot("teaching");

    await page.getByRole("button", { name: "Check my GPU" }).click();
    await page.locator("progress[value]").waitFor();
    await shoot("checking");
    await page.getByTestId("verdict").waitFor();
    await shoot("report");

    await page.emulateMedia({ colorScheme: "dark" });
    await shoot("dark");
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 360, height: 780 });
    await shoot("phone");
  } finally {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The demo's model where there is one, else the tiny network of the goldens; `during` while it is being read. */
async function loadModel(page: Page, during: () => Promise<void>): Promise<void> {
  const buffer = existsSync(DEMO_MODEL) ? undefined : await tinyCheckpoint();
  if (buffer === undefined) await page.getByRole("button", { name: "Load the demo's model" }).click();
  else {
    const file = { name: "tiny.safetensors", mimeType: "application/octet-stream", buffer };
    await page.getByLabel("Choose a model file").setInputFiles(file);
  }
  await page.locator(".working").waitFor();
  await during();
  await page.locator(".facts").waitFor();
}

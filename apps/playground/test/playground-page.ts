import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { launchChromium } from "./chromium.js";
import { drawScenes, tinyCheckpoint } from "./scenes.js";
import { type ServedSite, serveSite } from "./site.js";

/** What a visitor does on the page. */
export class Playground {
  constructor(
    readonly page: Page,
    private readonly checkpoint: Buffer,
  ) {}

  async giveModel(name: string, buffer: Buffer): Promise<void> {
    const file = { name, mimeType: "application/octet-stream", buffer };
    await this.page.getByLabel("Choose a model file").setInputFiles(file);
  }

  choose = (title: string) => this.page.locator(".segments label", { hasText: title }).click();
  backend = () => this.page.getByTestId("backend").textContent();
  tinyIsLoaded = () => this.page.getByText("TResNet 2-2-2-1, 8 planes").waitFor();

  /** On WebAssembly, where it is there at once, unless the test is about WebGPU. */
  async loadTiny(on: "WebAssembly" | "WebGPU" = "WebAssembly"): Promise<void> {
    await this.choose(on);
    await this.giveModel("tiny.safetensors", this.checkpoint);
    await this.tinyIsLoaded();
  }

  async givePictures(files: readonly string[]): Promise<void> {
    await this.page.getByLabel("Choose pictures").setInputFiles([...files]);
    const timings = () => this.page.locator(".card .timing").count();
    await expect.poll(timings, { timeout: 60_000 }).toBe(files.length);
  }

  async addLabel(label: string): Promise<void> {
    await this.page.getByLabel("Label to teach").fill(label);
    await this.page.getByRole("button", { name: "Add label" }).click();
  }

  changes = () =>
    this.page.locator(".changes tbody tr").evaluateAll((rows) =>
      rows.map((row) => {
        const [, label, shown, before, after] = Array.from(row.children, (cell) => cell.textContent);
        return { label, shown, before, after: Number.parseFloat(after!) };
      }),
    );
}

/** What a test finds. */
export interface OpenedPlayground {
  readonly playground: Playground;
  readonly page: Page;
  readonly site: ServedSite;
  /** Of the tiny network of the goldens. */
  readonly checkpoint: Buffer;
  /** Files of four pictures. */
  readonly scenes: readonly string[];
  /** Console errors, exceptions and requests to other hosts: there must be none when the test ends. */
  readonly problems: string[];
}

/** Hooks that open one site and one browser for the tests of a block, and a new page for each; gives that of the test. */
export function openPlayground(): () => OpenedPlayground {
  let folder: string;
  let browser: Browser | undefined;
  let shared: Pick<OpenedPlayground, "site" | "checkpoint" | "scenes">;
  let opened: OpenedPlayground;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "asl-playground-scenes-"));
    const [site, launched, checkpoint, scenes] = await Promise.all([
      serveSite(),
      launchChromium(),
      tinyCheckpoint(),
      drawScenes(path.join(folder, "scenes"), 4),
    ]);
    browser = launched;
    shared = { site, checkpoint, scenes };
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await shared?.site[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    const { site, checkpoint } = shared;
    const problems: string[] = [];
    const page = await browser!.newPage({ viewport: { width: 1200, height: 900 } });
    // an emulated GPU may compile kernels, and compute, for a minute
    page.setDefaultTimeout(120_000);
    opened = { ...shared, page, playground: new Playground(page, checkpoint), problems };
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
    await opened.page.close();
    expect(opened.problems).toEqual([]);
  });

  return () => opened;
}

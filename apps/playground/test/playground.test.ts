import { readFile } from "node:fs/promises";
import { readCheckpoint } from "asl-checkpoint";
import { readCheckpointBytes } from "asl-checkpoint/browser";
import axe from "axe-core";
import type { FileChooser } from "playwright-core";
import { beforeEach, describe, expect, test } from "vitest";
import { CHROMIUM, launchChromium } from "./chromium.js";
import { type OpenedPlayground, openPlayground, Playground } from "./playground-page.js";
import { scoresInNode, tinyOnnx } from "./scenes.js";

if (CHROMIUM === undefined) console.warn("playground: no Chromium is installed, so the page is not tested");

describe.skipIf(CHROMIUM === undefined)("the playground in Chromium (skipped where none is installed)", () => {
  const opened = openPlayground();
  let { playground, page, site, checkpoint, scenes, problems } = {} as OpenedPlayground;
  beforeEach(() => {
    ({ playground, page, site, checkpoint, scenes, problems } = opened());
  });

  test.each([
    ["WebGPU", /^WebGPU runs: \S/],
    ["WebAssembly", /^WebAssembly runs: ONNX Runtime Web.*WebGPU does not: you chose WebAssembly\.$/],
  ] as const)("on %s a picture gets the scores that the command line gives it", async (title, state) => {
    await playground.loadTiny(title);
    expect(await playground.backend()).toMatch(state);
    await playground.givePictures(scenes.slice(0, 1));
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

  test("the threshold slider decides which labels are present; the model's own come back", async () => {
    await playground.loadTiny();
    await playground.givePictures(scenes.slice(0, 1));
    const present = () => page.locator(".scores .present").count();
    const own = await present();
    const slider = page.getByRole("slider", { name: "Threshold" });
    await slider.fill("0");
    expect(await present()).toBe(20);
    await slider.fill("1");
    expect(await present()).toBe(0);
    expect(await page.getByText("No label is above the threshold.").count()).toBe(1);
    await page.getByRole("button", { name: "The model's, one per label" }).click();
    expect(await present()).toBe(own);
  });

  test("a new label is learnt from ticked pictures, can be downloaded, and is taken back by undo", async () => {
    await playground.loadTiny("WebGPU");
    await playground.givePictures(scenes);
    await playground.addLabel("my mug");
    await page.locator(".examples").getByRole("checkbox").first().check();
    await page.getByRole("button", { name: "Train the last layer" }).click();
    await page.locator(".changes").waitFor();

    const learnt = await playground.changes();
    expect(learnt.map(({ label, shown, before }) => [label, shown, before])).toEqual([
      ["my mug", "yes", "new"],
      ...scenes.slice(1).map(() => ["my mug", "no", "new"]),
    ]);
    const [shown, ...others] = learnt.map(({ after }) => after);
    expect(shown).toBeGreaterThan(50);
    for (const other of others) expect(other).toBeLessThan(50);
    const curve = await page.locator(".curve svg").getAttribute("aria-label");
    const [, first, last] = /over 200 steps, from (\S+) to (\S+)$/.exec(curve!)!;
    expect(Number(last)).toBeLessThan(Number(first) / 2);

    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download the tuned model" }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe("tiny-tuned.safetensors");
    const tuned = await readCheckpoint(await download.path());
    const before = await readCheckpointBytes(checkpoint, "tiny");
    expect(tuned.classNames).toEqual([...before.classNames!, "my mug"]);
    expect(tuned.metadata!.recipe.lessons).toHaveLength(1);
    // What was not taught has not moved by a bit.
    for (const [name, tensor] of Object.entries(before.tensors)) {
      expect([name, tuned.tensors[name]!.data.slice(0, tensor.data.length)]).toEqual([name, tensor.data]);
    }

    await expect.poll(() => page.locator(".facts", { hasText: "21" }).count()).toBe(1);
    await page.getByRole("button", { name: "Undo" }).click();
    await expect.poll(() => page.locator(".changes").count()).toBe(0);
    expect(await page.getByRole("button", { name: "Show all 20" }).count()).toBe(scenes.length);
  });

  test("a lesson that is cancelled changes nothing", async () => {
    await playground.loadTiny();
    await playground.givePictures(scenes.slice(0, 2));
    await playground.addLabel("my mug");
    await page.locator(".examples").getByRole("checkbox").first().check();
    await page.getByRole("button", { name: "Train the last layer" }).click();
    await page.locator("#app").getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Train the last layer" }).waitFor();
    expect(await page.locator(".changes").count()).toBe(0);
    expect(await page.getByRole("button", { name: "Show all 20" }).count()).toBe(2);
  });

  test("keyboard only: load, tag, teach", async () => {
    const reach = async (isThere: () => Promise<boolean>) => {
      for (let presses = 0; presses < 80; presses++) {
        await page.keyboard.press("Tab");
        if (await isThere()) return;
      }
      throw new Error("80 presses of Tab did not get there");
    };
    const focused = () =>
      page.evaluate(() => {
        const element = document.activeElement as HTMLInputElement | null;
        return element?.labels?.[0]?.textContent ?? element?.getAttribute("aria-label") ?? element?.textContent ?? "";
      });
    const reachNamed = (name: string) => reach(async () => (await focused()).includes(name));
    const pick = async (name: string, files: Parameters<FileChooser["setFiles"]>[0]) => {
      // before the way there: a chooser that opens at once after the call may still be the browser's own
      const choosing = page.waitForEvent("filechooser");
      await reachNamed(name);
      await page.keyboard.press("Space");
      await (await choosing).setFiles(files);
    };
    await pick("Choose a model file", {
      name: "tiny.safetensors",
      mimeType: "application/octet-stream",
      buffer: checkpoint,
    });
    await page.getByText("TResNet 2-2-2-1, 8 planes").waitFor();
    await pick("Choose pictures", scenes.slice(0, 2));
    await expect.poll(() => page.locator(".card .timing").count(), { timeout: 60_000 }).toBe(2);
    await reachNamed("Label to teach");
    await page.keyboard.type("my mug");
    await page.keyboard.press("Enter");
    await page.locator(".chips").waitFor();
    await reach(() => page.evaluate(() => (document.activeElement as HTMLInputElement).type === "checkbox"));
    await page.keyboard.press("Space");
    await reachNamed("Train the last layer");
    await page.keyboard.press("Enter");
    await page.locator(".changes").waitFor();
  });

  test("a browser without WebGPU tags on WebAssembly and says why", async () => {
    const bare = await launchChromium({ webgpu: false });
    try {
      const playground = new Playground(await bare.newPage(), checkpoint);
      await playground.page.goto(site.url);
      await playground.giveModel("tiny.safetensors", checkpoint);
      await playground.tinyIsLoaded();
      expect(await playground.backend()).toMatch(
        /^WebAssembly runs: ONNX Runtime Web.*WebGPU does not: (this browser has no WebGPU|the browser has WebGPU, but no)/,
      );
      await playground.givePictures(scenes.slice(0, 1));
    } finally {
      await bare.close();
    }
  });

  test("a model whose loading is cancelled does not come; the one before stays, the next one comes", async () => {
    await playground.choose("WebGPU");
    await playground.giveModel("slow.safetensors", checkpoint);
    await page.getByRole("button", { name: "Cancel" }).click();
    await expect.poll(() => page.locator(".working").count()).toBe(0);
    expect(await page.getByText("No model is loaded yet.").count()).toBe(1);
    await playground.loadTiny();
    expect(await page.getByText("slow.safetensors").count()).toBe(0);
  });

  test("a picture by its address; an address that cannot be fetched says why", async () => {
    await playground.loadTiny();
    const address = (name: string) => new URL(name, site.url).href;
    await page.route(address("photo.png"), async (route) =>
      route.fulfill({ contentType: "image/png", body: await readFile(scenes[0]!) }),
    );
    await page.getByLabel("Address of a picture").fill(address("photo.png"));
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.locator(".card .timing").waitFor();
    expect(await page.locator(".card img").getAttribute("alt")).toBe("photo.png");

    await page.route(address("gone.png"), (route) => route.abort());
    await page.getByLabel("Address of a picture").fill(address("gone.png"));
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("gone.png could not be fetched");
    // the browser's own word on what was aborted
    expect(problems.splice(0)).toEqual([expect.stringContaining("ERR_FAILED")]);
  });

  test("an .onnx file is tagged on ONNX Runtime, and says why it cannot be taught", async () => {
    await playground.giveModel("tiny.onnx", Buffer.from(await tinyOnnx(checkpoint)));
    await page.getByText("ONNX network").waitFor();
    expect(await playground.backend()).toMatch(
      /^WebAssembly runs: .*WebGPU does not: an \.onnx file runs on ONNX Runtime/,
    );
    await playground.givePictures(scenes.slice(0, 1));
    expect(await page.getByText("An .onnx file is a finished network").count()).toBe(1);
  });

  test.each([
    ["notes.safetensors", "hello, I am no model", "notes.safetensors: this is a text file"],
    ["empty.pth", "", "empty.pth: the file is empty"],
    ["picture.pth", "\u0089PNG\r\n", "picture.pth: this is a PNG picture"],
    ["broken.onnx", "hello", "not an ONNX model"],
  ])("%s is refused in words", async (name, text, message) => {
    await playground.giveModel(name, Buffer.from(text, "latin1"));
    await expect.poll(() => page.getByRole("alert").textContent()).toContain(message);
    expect(await page.getByText("No model is loaded yet.").count()).toBe(1);
  });

  test("what is no picture says so and leaves the others alone", async () => {
    await playground.loadTiny();
    const text = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("hello") };
    await page.getByLabel("Choose pictures").setInputFiles([text]);
    await expect.poll(() => page.locator(".card .error").textContent()).toContain("this is no picture");
    await page.getByLabel("Choose pictures").setInputFiles(scenes[0]!);
    await page.locator(".card .timing").waitFor();
  });

  test("pictures dropped on the page and frames of the camera are tagged", async () => {
    await playground.loadTiny();
    const data = await page.evaluateHandle(
      (base64) => {
        const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        const transfer = new DataTransfer();
        transfer.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
        return transfer;
      },
      (await readFile(scenes[0]!)).toString("base64"),
    );
    await page.locator("#tag .drop").dispatchEvent("drop", { dataTransfer: data });
    await page.locator(".card .timing").waitFor();
    await page.getByRole("button", { name: "Use the camera" }).click();
    await page.locator(".camera .timing").waitFor();
    await page.getByRole("button", { name: "Keep this picture" }).click();
    await page.getByRole("button", { name: "Stop the camera" }).click();
    await expect.poll(() => page.locator(".card .timing").count()).toBe(2);
  });

  test("the suite runs on the visitor's device; the report is shown and downloaded", async () => {
    // a few files, so that the test is short
    const fixtures = ["add", "conv2d", "losses"].map((name) => `fixtures/ops/${name}.json`);
    await page.route("**/site.json", (route) => route.fulfill({ json: { demoModel: false, fixtures } }));
    await page.reload();
    await page.getByRole("button", { name: "Check my GPU" }).click();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Check my GPU" }).click();
    await page.locator("progress").waitFor();
    const verdict = page.getByTestId("verdict");
    await verdict.waitFor({ timeout: 110_000 });
    expect(await verdict.textContent()).toContain("Your device conforms.");
    const report = page.frameLocator("iframe.report");
    expect(await report.getByRole("heading", { name: "Every op" }).count()).toBe(1);
    const save = async (name: string) => {
      const downloading = page.waitForEvent("download");
      await page.getByRole("button", { name }).click();
      return readFile(await (await downloading).path(), "utf8");
    };
    const summary = JSON.parse(await save("Download JSON"));
    expect(summary.backends[0]).toMatchObject({ passed: true, exact: { differingBits: 0, failed: 0 } });
    expect(summary.backends[0].exact.cases).toBeGreaterThan(10);
    expect(await save("Download HTML")).toMatch(/^<!doctype html>[\s\S]*conv2d/);
  });

  test.each([
    ["light", 1200],
    ["dark", 360],
  ] as const)("accessible in %s at %i px, without scrolling sideways", async (colorScheme, width) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    const check = async () => {
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      await page.addScriptTag({ content: axe.source });
      const { violations } = await page.evaluate(() =>
        (globalThis as unknown as { axe: typeof axe }).axe.run({ resultTypes: ["violations"] }),
      );
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    };
    await check();
    await playground.loadTiny();
    await playground.givePictures(scenes.slice(0, 2));
    await playground.addLabel("a label whose name is rather long");
    await page.locator(".examples").getByRole("checkbox").first().check();
    await page.getByRole("button", { name: "Train the last layer" }).click();
    await page.locator(".changes").waitFor();
    await check();
  });
});

import { existsSync } from "node:fs";
import { AslError } from "asl-core";
import type { Browser } from "playwright-core";
import { type RemoteBackend, remoteBackend } from "../remote/index.js";
import { bundleGuest, type GuestModule } from "./bundle.js";
import type { GuestServer } from "./server.js";

/** Where systems install Chromium or Chrome. */
const EXECUTABLES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/** SwiftShader, a Vulkan driver in software, for WebGL and WebGPU: the same arithmetic on every machine. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu-sandbox",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
  "--use-gl=angle",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  // a driver in software may take longer than the 10 seconds after which Chromium takes it for hung
  "--disable-gpu-watchdog",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The first Chromium or Chrome that is installed. */
export const findChromium = (): string | undefined => EXECUTABLES.find((file) => existsSync(file));

/** Chromium without a window and with an empty profile. Throws AslError ERR_ASL_BACKEND where there is none. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new AslError("ERR_ASL_BACKEND", "Chromium is not installed (Debian: apt-get install chromium)");
  }
  const { chromium } = await import("playwright-core");
  try {
    return await chromium.launch({ executablePath, args: ARGUMENTS });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.split("\n")[0]! : String(cause);
    throw new AslError("ERR_ASL_BACKEND", `${executablePath} does not start: ${message}`, { cause });
  }
}

/** An adapter in a page of its own. Disposing the backend closes the page. */
export async function openInChromium(
  browser: Browser,
  server: GuestServer,
  module: GuestModule,
): Promise<RemoteBackend> {
  const invitation = server.invite(await bundleGuest(module, "browser"));
  const page = await browser.newPage();
  let failure: string | undefined;
  const failed = new Promise<never>((_resolve, reject) => {
    const fail = (what: string) => {
      failure = what;
      reject(new AslError("ERR_ASL_BACKEND", `${module.specifier} in Chromium: ${what}`));
    };
    page.on("pageerror", (error) => fail(error.message));
    page.on("crash", () => fail("the page has crashed"));
    page.on("close", () => fail("the page has closed"));
  });
  failed.catch(() => undefined);
  try {
    await page.goto(invitation.page);
    const channel = await Promise.race([invitation.channel, failed]);
    const backend = await Promise.race([remoteBackend(channel, () => failure), failed]);
    return {
      ...backend,
      async [Symbol.asyncDispose]() {
        await backend[Symbol.asyncDispose]();
        await page.close();
      },
    };
  } catch (error) {
    await page.close();
    throw error;
  }
}

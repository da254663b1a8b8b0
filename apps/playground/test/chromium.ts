import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** An installed Chromium, or undefined. playwright-core brings none. */
export const CHROMIUM = PATHS.find((path) => existsSync(path));

/** WebGPU runs on the processor (SwiftShader), so that a machine without a GPU has it too. */
const WEBGPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"];
const NO_WEBGPU = ["--disable-gpu", "--disable-features=WebGPU,WebGPUService"];

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
];

export async function launchChromium({ webgpu = true } = {}): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error(`no Chromium at ${PATHS.join(", ")}`);
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [...FLAGS, ...(webgpu ? WEBGPU : NO_WEBGPU)],
    headless: true,
  });
}

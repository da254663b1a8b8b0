import { existsSync } from "node:fs";
import { create, globals } from "webgpu";

/** Debian's chromium brings SwiftShader, a Vulkan driver that needs no graphics card. */
const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";

Object.assign(globalThis, globals);
if (process.env.VK_ICD_FILENAMES === undefined && existsSync(SWIFTSHADER)) process.env.VK_ICD_FILENAMES = SWIFTSHADER;
// The process crashes when this is collected while a device of it lives.
const gpu = create([]);

const WANTED: readonly string[] = ["subgroups", "shader-f16", "timestamp-query"];

export interface OpenDevice {
  readonly adapter: GPUAdapter;
  readonly device: GPUDevice;
}

async function open(): Promise<OpenDevice | undefined> {
  const adapter = await gpu.requestAdapter();
  if (adapter === null) return undefined;
  const requiredFeatures = [...adapter.features].filter((name) => WANTED.includes(name)) as GPUFeatureName[];
  return { adapter, device: await adapter.requestDevice({ requiredFeatures }) };
}

/** One device for all tests of a file; undefined when the machine has no adapter. */
export const opened = await open();

export const SKIPPED =
  opened === undefined
    ? "skipped: no WebGPU adapter; install Debian's chromium (SwiftShader) or a Vulkan driver"
    : undefined;

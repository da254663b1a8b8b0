import { hasWebgpuAdapter, type WebgpuNodeBackendOptions, webgpuNodeBackend } from "../src/node.js";

/** Why tests that need an adapter are skipped; undefined when there is one. */
export const SKIPPED = (await hasWebgpuAdapter())
  ? undefined
  : "no WebGPU adapter: install Debian's chromium (SwiftShader) or a Vulkan driver";

/** One device for all tests of a file. */
export const webgpu = webgpuNodeBackend();

/** A backend with a device and options of its own. */
export const webgpuWith = (options: WebgpuNodeBackendOptions) => webgpuNodeBackend(options);

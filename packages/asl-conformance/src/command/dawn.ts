import { existsSync } from "node:fs";

/** SwiftShader, a Vulkan driver on the CPU, where Debian's chromium puts it. */
const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";

/**
 * Options for `webgpuNodeBackend`: Dawn's own choice of an adapter; on a machine without one, SwiftShader where it is
 * installed, unless VK_ICD_FILENAMES names another driver.
 */
export async function dawnOptions(hasAdapter: () => Promise<boolean>): Promise<{ readonly dawn?: readonly string[] }> {
  if (process.env.VK_ICD_FILENAMES !== undefined || !existsSync(SWIFTSHADER) || (await hasAdapter())) return {};
  // Vulkan's loader reads the variable when an instance is made; the flag makes Dawn create another.
  process.env.VK_ICD_FILENAMES = SWIFTSHADER;
  return { dawn: ["backend=vulkan"] };
}

import { AslError, type Backend } from "asl-core";
import { type WebgpuBackendOptions, webgpuBackend } from "./backend.js";
import { AdapterError } from "./runtime/errors.js";

export interface WebgpuNodeBackendOptions extends Omit<WebgpuBackendOptions, "gpu" | "device"> {
  /** Flags of Dawn, the library behind the package `webgpu`: ["backend=vulkan"], ["adapter=SwiftShader"], ... */
  readonly dawn?: readonly string[];
}

/** Whether Dawn is installed and finds an adapter. */
export async function hasWebgpuAdapter(dawn: readonly string[] = []): Promise<boolean> {
  try {
    return (await (await instanceOf(dawn)).requestAdapter()) !== null;
  } catch {
    return false;
  }
}

/** Dawn's entry points by flags. They live as long as the process: its devices crash it when their maker is collected. */
const instances = new Map<string, Promise<GPU>>();

/** A Backend on Dawn (the package `webgpu`): Vulkan, Metal or Direct3D 12. Loaded at the first `compile`. */
export function webgpuNodeBackend({ dawn = [], ...options }: WebgpuNodeBackendOptions = {}): Backend {
  const { name = "webgpu" } = options;
  let backend: Backend | undefined;
  return {
    name,
    async compile(state, programs) {
      const gpu = await instanceOf(dawn);
      backend ??= webgpuBackend({ ...options, gpu });
      try {
        return await backend.compile(state, programs);
      } catch (error) {
        if (!(error instanceof AdapterError)) throw error;
        throw new AdapterError(`${error.message} ${advice()}`, { cause: error });
      }
    },
  };
}

function instanceOf(flags: readonly string[]): Promise<GPU> {
  const key = flags.join(" ");
  const known = instances.get(key);
  if (known !== undefined) return known;
  const made = create(flags);
  instances.set(key, made);
  made.catch(() => instances.delete(key));
  return made;
}

async function create(flags: readonly string[]): Promise<GPU> {
  let dawn: typeof import("webgpu");
  try {
    dawn = await import("webgpu");
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
    if (isMissing) throw cause;
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new AslError("ERR_ASL_BACKEND", `webgpu: the package webgpu (Dawn) cannot be loaded: ${detail}`, { cause });
  }
  return dawn.create([...flags]);
}

/** What Dawn looks for on this system. */
function advice(): string {
  if (process.platform === "darwin") return "Dawn looked for Metal, which needs macOS on a Mac with a GPU.";
  if (process.platform === "win32") return "Dawn looked for Direct3D 12 and Vulkan: update the GPU's driver.";
  const icd = process.env.VK_ICD_FILENAMES;
  return (
    `Dawn looked for Vulkan drivers ${icd === undefined ? "where the system lists them (VK_ICD_FILENAMES is not set)" : `at VK_ICD_FILENAMES=${icd}`}. ` +
    "Install the GPU's Vulkan driver (Debian: mesa-vulkan-drivers or nvidia-vulkan-icd). Without a GPU, SwiftShader computes " +
    "on the CPU: Debian's package chromium brings it; set VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json"
  );
}

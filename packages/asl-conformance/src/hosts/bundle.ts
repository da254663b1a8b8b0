import path from "node:path";
import { fileURLToPath } from "node:url";
import { InputError } from "asl-core";

/** The runtime that a bundle is for. */
export type Runtime = "browser" | "deno";

/** Where an adapter comes from, and what of it makes the backend. */
export interface GuestModule {
  /** A package's entry point, or an absolute path. */
  readonly specifier: string;
  /** A function that makes the backend from `options`; undefined: the module is an adapter with a default export. */
  readonly create?: string;
  readonly options?: object;
}

export interface Bundle {
  /** One JavaScript module. It reads the address of its host from the global `ASL_HOST`. */
  readonly code: string;
  /** Folders of the modules inside: what code fetches from beside itself (.wasm) lies there. */
  readonly folders: readonly string[];
}

/** One module that serves an adapter's backend to its host. Throws InputError for an adapter that cannot be bundled. */
export async function bundleGuest(guest: GuestModule, runtime: Runtime): Promise<Bundle> {
  const { build } = await import("esbuild");
  const here = path.dirname(fileURLToPath(import.meta.url));
  try {
    const { outputFiles, metafile } = await build({
      stdin: { contents: entryOf(guest, here), resolveDir: here, sourcefile: "guest-entry.js" },
      bundle: true,
      write: false,
      format: "esm",
      target: "es2022",
      // Deno runs what is written for browsers
      platform: "browser",
      ...(runtime === "deno" ? { external: ["node:*"] } : {}),
      metafile: true,
      logLevel: "silent",
    });
    const files = Object.keys(metafile.inputs).filter((input) => input !== "guest-entry.js");
    return {
      code: outputFiles[0]!.text,
      folders: [...new Set(files.map((file) => path.dirname(path.resolve(file))))],
    };
  } catch (error) {
    const message = error instanceof Error ? error.message.split("\n").slice(0, 3).join(" ") : String(error);
    throw new InputError(`${guest.specifier} cannot be bundled: ${message}`, { cause: error });
  }
}

function entryOf({ specifier, create, options = {} }: GuestModule, here: string): string {
  const guest = JSON.stringify(path.join(here, "guest"));
  const name = JSON.stringify(specifier);
  const load =
    create === undefined
      ? `() => import(${name})`
      : `async () => ({ default: () => import(${name}).then((module) => module.${create}(${JSON.stringify(options)})) })`;
  return `import { serveGuest } from ${guest};\nserveGuest(globalThis.ASL_HOST, ${name}, ${load});\n`;
}

import { existsSync, readFileSync } from "node:fs";

/** The version of the package that a module belongs to, `import.meta.url`: that of the nearest package.json above it. */
export function versionOf(module: string): string {
  for (let folder = new URL(".", module); ; folder = new URL("..", folder)) {
    const manifest = new URL("package.json", folder);
    if (existsSync(manifest)) return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
    if (folder.pathname === "/") throw new Error(`no package.json above ${module}`);
  }
}

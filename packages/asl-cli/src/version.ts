import { existsSync, readFileSync } from "node:fs";

/** The version of the package that a module belongs to, `import.meta.url`: that of the nearest package.json above it. */
export function versionOf(module: string): string {
  let folder = new URL(".", module);
  while (!existsSync(new URL("package.json", folder))) {
    const above = new URL("..", folder);
    // the root, which on Windows is that of a drive
    if (above.href === folder.href) throw new Error(`no package.json above ${module}`);
    folder = above;
  }
  return (JSON.parse(readFileSync(new URL("package.json", folder), "utf8")) as { version: string }).version;
}

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** asl-core's README names what is built with; the parts of backends and models, which it exports too, are too many. */
const NOT_ALL = ["asl-core"];

const published = ["packages", "apps"].flatMap((group) =>
  readdirSync(path.join(ROOT, group)).flatMap((folder) => {
    const read = (name: string) => readFileSync(path.join(ROOT, group, folder, name), "utf8");
    const { name, private: isPrivate, exports } = JSON.parse(read("package.json"));
    return isPrivate || exports?.["."] === undefined || NOT_ALL.includes(name)
      ? []
      : [{ name: String(name), read: () => read("README.md") }];
  }),
);

describe("a package's README names everything that the package exports", () => {
  it.each(published)("$name", async ({ name, read }) => {
    const readme = read();
    const missing = Object.keys(await import(name)).filter((each) => !new RegExp(`\\b${each}\\b`).test(readme));
    expect(missing).toEqual([]);
  });
});

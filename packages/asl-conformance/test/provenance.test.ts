import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Provenance } from "../src/fixture.js";
import { fixturesFolder } from "../src/load.js";

const FOLDER = fixturesFolder();
const files = readdirSync(FOLDER, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => path.relative(FOLDER, path.join(entry.parentPath, entry.name)))
  .filter((file) => !file.startsWith("generate"))
  .sort();
const described = files.filter((file) => file.endsWith(".json"));
const provenanceOf = (file: string) =>
  (JSON.parse(readFileSync(path.join(FOLDER, file), "utf8")) as { provenance?: Provenance }).provenance;

/** SHA-256 of files that are no JSON, as a JSON file beside them says it. */
const recorded = new Map(
  described.flatMap((file) =>
    Object.entries(provenanceOf(file)?.files ?? {}).map(([name, hash]) => [path.join(path.dirname(file), name), hash]),
  ),
);

describe("every file under fixtures says where its numbers come from", () => {
  it.each(described)("%s: script and versions", (file) => {
    const provenance = provenanceOf(file);
    expect(provenance, `${file} has no provenance`).toBeDefined();
    expect(provenance!.script).toMatch(/^fixtures\/generate\//);
    expect(existsSync(path.join(FOLDER, "..", provenance!.script)), `${provenance!.script} does not exist`).toBe(true);
    expect(provenance!.versions).toMatch(/\d+\.\d+|none that matter/);
  });

  it.each(files.filter((file) => !described.includes(file)))("%s: beside a file that names it by its bytes", (file) => {
    const hash = createHash("sha256")
      .update(readFileSync(path.join(FOLDER, file)))
      .digest("hex");
    expect(recorded.get(file), `no JSON file beside ${file} names it in provenance.files`).toBe(hash);
  });

  it("names only files that are there", () => {
    expect([...recorded.keys()].filter((file) => !files.includes(file))).toEqual([]);
  });
});

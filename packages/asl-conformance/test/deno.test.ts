import { mkdtemp, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findDeno, Hosts } from "../src/hosts/index.js";
import { loadFixtures } from "../src/load.js";
import { runCase, runSessionCase } from "../src/run.js";
import { SESSION_CASES } from "../src/session-cases.js";

const hosts = new Hosts();
let folder: string;
beforeAll(async () => {
  // beside the sources, where the packages that an adapter imports are found
  folder = await mkdtemp(path.join(path.dirname(fileURLToPath(import.meta.url)), "deno-"));
});
afterAll(async () => {
  await hosts[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function adapter(name: string, source: string): Promise<string> {
  const file = path.join(folder, `${name}.mjs`);
  await writeFile(file, source);
  return file;
}

describe.skipIf(findDeno() === undefined)("in Deno (skipped where the package deno is not installed)", () => {
  it("a module's backend keeps the promises of sessions and every bit", async () => {
    const source = `import { referenceBackend } from "asl-reference";
      export default () => ({ ...referenceBackend({ precision: "f32" }), name: "Deno " + typeof Deno });`;
    await using backend = await hosts.deno({ specifier: await adapter("reference", source) });
    expect(backend.name).toBe("Deno object");
    for (const each of SESSION_CASES) expect(await runSessionCase(backend, each)).toMatchObject({ status: "passed" });
    const fixtures = loadFixtures().filter(({ subject }) => ["mul", "neg", "concat"].includes(subject));
    for (const fixture of fixtures) expect(await runCase(backend, fixture)).toMatchObject({ status: "passed" });
  });

  it("may talk to its host only", async () => {
    const source = `export default async () => { await Deno.readTextFile("/etc/hostname"); };`;
    await expect(hosts.deno({ specifier: await adapter("reading", source) })).rejects.toThrow(/read access/);
  });

  it("says how the process ended", async () => {
    const source = `export default () => { console.error("nothing to compute on"); Deno.exit(3); };`;
    const opening = hosts.deno({ specifier: await adapter("ending", source) });
    await expect(opening).rejects.toMatchObject({
      message: /closed: nothing to compute on|ended: nothing to compute on/,
    });
  });
});

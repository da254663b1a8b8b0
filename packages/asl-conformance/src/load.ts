import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { InputError } from "asl-core";
import type { Fixture } from "./fixture.js";
import { fixturesOfFile } from "./fixture-file.js";

/** The folder with the fixtures: the repository's (known by the script that makes them), or inside the package. */
export function fixturesFolder(): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const repository = path.join(here, "../../../fixtures");
  if (existsSync(path.join(repository, "generate/ops.mjs"))) return repository;
  const published = path.join(here, "../fixtures");
  if (existsSync(path.join(published, "ops"))) return published;
  throw new InputError(`no fixtures in ${published}; install asl-conformance again`);
}

/** Every fixture that is kept as data, in the order of files and cases. */
export function loadFixtures(folder = fixturesFolder()): readonly Fixture[] {
  return [...loadRecorded("ops", folder), ...fixturesOf(path.join(folder, "loss/losses.json"))];
}

/** The cases of one of the folders under fixtures. */
export function loadRecorded(name: "ops" | "exact", folder = fixturesFolder()): readonly Fixture[] {
  const own = path.join(folder, name);
  const files = readdirSync(own).filter((file) => file.endsWith(".json"));
  return files.sort().flatMap((file) => fixturesOf(path.join(own, file)));
}

const fixturesOf = (file: string) => fixturesOfFile(file, JSON.parse(readFileSync(file, "utf8")));

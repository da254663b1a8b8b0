import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { InputError } from "asl-core";
import { type Fixture, type FixtureFileJson, fixturesFromJson } from "./fixture.js";
import { type OfficialLossCase, officialLosses } from "./official-losses.js";

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
  const losses = JSON.parse(readFileSync(path.join(folder, "loss/losses.json"), "utf8")) as {
    readonly cases: readonly OfficialLossCase[];
  };
  return [...loadRecorded("ops", folder), ...officialLosses(losses.cases)];
}

/** The cases of one of the folders under fixtures. */
export function loadRecorded(name: "ops" | "exact", folder = fixturesFolder()): readonly Fixture[] {
  const own = path.join(folder, name);
  const files = readdirSync(own).filter((file) => file.endsWith(".json"));
  return files.sort().flatMap((file) => fixturesOf(path.join(own, file)));
}

function fixturesOf(file: string): readonly Fixture[] {
  const json = JSON.parse(readFileSync(file, "utf8")) as FixtureFileJson;
  if (json.format !== "asl-fixtures" || json.version !== 1) {
    throw new InputError(`${file}: expected asl-fixtures of version 1; found ${json.format} ${json.version}`);
  }
  return fixturesFromJson(json);
}

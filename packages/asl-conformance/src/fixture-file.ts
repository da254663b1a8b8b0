import { InputError } from "asl-core";
import { type Fixture, type FixtureFileJson, fixturesFromJson } from "./fixture.js";
import { type OfficialLossCase, officialLosses } from "./official-losses.js";

/** The official loss cases, which have a format of their own. */
interface LossFileJson {
  readonly cases: readonly OfficialLossCase[];
}

/** The cases of a parsed file under fixtures/; `file` is what errors call it. Throws InputError for another format. */
export function fixturesOfFile(file: string, json: FixtureFileJson | LossFileJson): readonly Fixture[] {
  if (file.endsWith("losses.json") && !("format" in json)) return officialLosses((json as LossFileJson).cases);
  const fixtures = json as FixtureFileJson;
  if (fixtures.format !== "asl-fixtures" || fixtures.version !== 1) {
    throw new InputError(`${file}: expected asl-fixtures of version 1; found ${fixtures.format} ${fixtures.version}`);
  }
  return fixturesFromJson(fixtures);
}

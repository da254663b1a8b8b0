import { exactPrograms } from "./exact-programs.js";
import type { Fixture } from "./fixture.js";
import { loadRecorded } from "./load.js";

/**
 * asl-core's exact functions and losses as cases of the tier `exact`, for backends that compute in float32: those of
 * `exactPrograms`, and the files of fixtures/exact, whose bits come from exact rational arithmetic.
 */
export function exactFixtures(elements?: number): readonly Fixture[] {
  return [...exactPrograms(elements), ...loadRecorded("exact")];
}

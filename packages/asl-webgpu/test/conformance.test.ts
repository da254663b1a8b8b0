import { exactFixtures, loadFixtures } from "asl-conformance";
import { conformance } from "asl-conformance/vitest";
import { describe } from "vitest";
import { WEBGPU_DEVIATIONS } from "../../asl-conformance/src/command/deviations.js";
import { SKIPPED, webgpu } from "./adapter.js";

describe.skipIf(SKIPPED)(`fixtures${SKIPPED === undefined ? "" : ` (${SKIPPED})`}`, () => {
  conformance(webgpu, { deviations: WEBGPU_DEVIATIONS, fixtures: [...loadFixtures(), ...exactFixtures()] });
});

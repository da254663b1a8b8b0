import { exactFixtures, loadFixtures } from "asl-conformance";
import { conformance } from "asl-conformance/vitest";
import { f32 } from "asl-core";
import { describe, expect, it } from "vitest";
import { webgpuNodeBackend } from "../src/node.js";
import { judged } from "../src/runtime/probe.js";
import { SKIPPED } from "./adapter.js";

/** What rests on correctly rounded arithmetic, denormals included. */
const fixtures = [
  ...loadFixtures().filter(({ subject, tier }) => tier === "exact" && /^(add|sub|mul|div|sqrt)$/.test(subject)),
  // the exact loss takes compilers a minute and a half in this form
  ...exactFixtures().filter(({ name }) => name === "exact-functions/sigmoid"),
];

describe.skipIf(SKIPPED)(`arithmetic on bit patterns${SKIPPED === undefined ? "" : ` (${SKIPPED})`}`, () => {
  // no deviations: what is done in integers keeps denormals
  conformance(webgpuNodeBackend({ name: "webgpu-soft", arithmetic: "soft" }), { fixtures, networks: [] });
});

describe("the probe", () => {
  const x = Float32Array.of(1, 0.1, -3);
  const y = Float32Array.of(3, 0.7, 7);
  const f = Math.fround;
  const right = {
    sum: x.map((each, i) => each + y[i]!),
    difference: x.map((each, i) => each - y[i]!),
    product: x.map((each, i) => each * y[i]!),
    error: x.map((each, i) => each + y[i]! - f(each + y[i]!)),
    whole: x.map(Math.round),
    contracted: Float32Array.of(0, 0, 0),
    reassociated: x.map((each) => f(1 - each) + f(0.05)),
    quotient: x.map((each, i) => each / y[i]!),
    root: x.map((each) => Math.sqrt(Math.abs(each))),
  };
  const answers = (changed: Partial<typeof right>) =>
    Object.fromEntries(Object.entries({ ...right, ...changed }).map(([name, data]) => [name, f32([3], data)]));

  it("trusts a device whose every bit is right", () => {
    expect(judged(answers({}), x, y)).toEqual({ sum: "native", quotient: "native", root: "native" });
  });

  it("takes over what is wrong in one bit, and only that", () => {
    const nudged = (data: Float32Array) => data.map((each, i) => (i === 1 ? f(each * (1 + 2 ** -23)) : each));
    expect(judged(answers({ quotient: nudged(right.quotient) }), x, y)).toMatchObject({
      sum: "native",
      quotient: "soft",
    });
    expect(judged(answers({ root: nudged(right.root) }), x, y)).toMatchObject({ quotient: "native", root: "soft" });
  });

  it("notices reordered sums and contracted products", () => {
    for (const changed of [{ whole: x }, { error: x.map(() => 0) }, { contracted: Float32Array.of(0, 2 ** -30, 0) }]) {
      expect(judged(answers(changed), x, y)).toMatchObject({ sum: "soft", quotient: "native" });
    }
  });
});

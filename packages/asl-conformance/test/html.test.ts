import { describe, expect, it } from "vitest";
import { htmlReport } from "../src/command/html.js";
import { PROBE_NAMES, PROBES, type Probes } from "../src/probes.js";
import type { CaseOutcome, Report } from "../src/report.js";

const outcome = (name: string, more: Partial<CaseOutcome> = {}): CaseOutcome => ({
  case: name,
  subject: name.split("/")[0]!,
  kind: "random",
  tier: "exact",
  status: "passed",
  elements: 4,
  differingBits: 0,
  worstUlp: 0,
  worstRatio: 0,
  ...more,
});
const failed = (name: string, error: string) => outcome(name, { status: "failed", error });

const probes = Object.fromEntries(PROBE_NAMES.map((name) => [name, PROBES[name].usual])) as Probes;
const report = (backend: string, outcomes: readonly CaseOutcome[]): Report => ({
  backend,
  outcomes,
  probes,
  seconds: 1,
  passed: outcomes.every(({ status }) => status === "passed" || status === "deviates"),
  unknownDeviations: [],
});
const page = (...reports: readonly Report[]) =>
  htmlReport({ columns: [{ family: "mine", reports }], skipped: [], mutants: undefined, seconds: 1 });
const count = (text: string, part: string) => text.split(part).length - 1;

describe("the HTML report", () => {
  it("is one file: no script, nothing to fetch", () => {
    expect(page(report("mine", [outcome("add/a")]))).not.toMatch(/<script|<link|<img|src=|url\(|@import/);
  });

  it("begins with what fails, and says nothing of failures where there are none", () => {
    const bad = page(report("mine", [outcome("add/a"), failed("mul/b", "no such kernel")]));
    expect(bad.indexOf('id="failures"')).toBeGreaterThan(0);
    expect(bad.indexOf('id="failures"')).toBeLessThan(bad.indexOf('id="backends"'));
    expect(bad).toContain("<code>mul/b</code><span>no such kernel</span>");
    expect(page(report("mine", [outcome("add/a")]))).not.toContain('id="failures"');
  });

  it("shows a failure that configurations share once, and folds what is more than five", () => {
    const many = Array.from({ length: 9 }, (_, i) => failed(`mul/${i}`, "wrong"));
    const text = page(report("one", many), report("two", many));
    expect(count(text, "<code>mul/0</code>")).toBe(1);
    expect(count(text, "all configurations")).toBe(9);
    expect(text).toContain("<summary>4 more</summary>");
    expect(page(report("one", many), report("two", []))).toContain("<code>mul/0</code> <small>one</small>");
  });

  it("gives each reason of a deviation once, with its cases", () => {
    const deviates = (name: string) => outcome(name, { status: "deviates", reason: "keeps <-0>" });
    const text = page(report("mine", [deviates("max/a"), deviates("min/b")]));
    expect(count(text, "keeps &lt;-0&gt;")).toBe(1);
    expect(text).toContain("max/a<br>min/b");
    // nothing is left that a figure could be of
    expect(count(text, '<td class="number"><sup>−1</sup></td>')).toBe(2);
  });

  it("escapes what a backend says", () => {
    expect(page(report("mine", [failed("mul/b", '<img src="x">')]))).toContain("&lt;img src=&quot;x&quot;&gt;");
  });
});

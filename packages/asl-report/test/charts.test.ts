import { describe, expect, it } from "vitest";
import { histogram, lineChart, sparkline } from "../src/index.js";

const HOSTILE = '<img src=x onerror="alert(1)">';
const points = [
  { x: 1, y: 3 },
  { x: 2, y: 1.5 },
];

describe("lineChart", () => {
  it("says its last values in words", () => {
    const { html } = lineChart({ title: "Loss", xLabel: "epoch", series: [{ name: "loss", tone: "first", points }] });
    expect(html).toContain('aria-label="Loss. loss: 1.5 at epoch 2"');
  });

  it("draws a line through its points, and a legend for more than one", () => {
    const series = ["a", "b"].map((name) => ({ name, tone: "first" as const, points }));
    const { html } = lineChart({ title: "Loss", xLabel: "epoch", series });
    expect(html.match(/<path [^>]*d="M46,\d+(\.\d+)?L408,\d+(\.\d+)?"/g)).toHaveLength(2);
    expect(html).toContain('<span class="key first">a</span><span class="key first">b</span>');
  });

  it("is empty without points", () => {
    expect(lineChart({ title: "Loss", xLabel: "epoch", series: [] }).html).toBe("");
    expect(lineChart({ title: "Loss", xLabel: "x", series: [{ name: "a", tone: "first", points: [] }] }).html).toBe("");
  });

  it("one point, equal points and a log scale have a drawing without a NaN", () => {
    const flat = [
      { x: 1, y: 2 },
      { x: 2, y: 2 },
    ];
    for (const each of [flat, flat.slice(1)]) {
      for (const logarithmic of [false, true]) {
        const series = [{ name: "a", tone: "first" as const, points: each }];
        const { html } = lineChart({ title: "", xLabel: "step", series, logarithmic, whole: true });
        expect(html).toContain("<svg");
        expect(html).not.toMatch(/NaN|Infinity|undefined/);
      }
    }
  });

  it("names that look like markup are text", () => {
    const { html } = lineChart({ title: HOSTILE, xLabel: HOSTILE, series: [{ name: HOSTILE, tone: "first", points }] });
    expect(html).not.toContain("<img");
  });
});

describe("other drawings", () => {
  it("a histogram has a bar for every bin of every group", () => {
    const groups = [
      { name: "there", tone: "first" as const, heights: [1, 0, 3, 4] },
      { name: HOSTILE, tone: "second" as const, heights: [4, 3, 2, 1] },
    ];
    const { html } = histogram({ title: "Scores", xLabel: "score", groups });
    expect(html.match(/<rect /g)).toHaveLength(8);
    expect(html).not.toContain("<img");
  });

  it("a sparkline has no axis and a name", () => {
    const { html } = sparkline(points, HOSTILE);
    expect(html).not.toMatch(/<img|<text/);
    expect(html).toContain("aria-label=");
  });
});

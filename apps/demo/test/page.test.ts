import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lineChart, ticks } from "../src/page/chart.js";
import { html } from "../src/page/html.js";
import { renderPage } from "../src/page/page.js";
import { compareTags, type Report } from "../src/page/report.js";

const PICTURE = "data:image/png;base64,iVBORw0KGgo=";

const report: Report = {
  figures: [{ label: "mAP", value: "66.2", note: "percent" }],
  recipe: [["epochs", "15"]],
  history: [
    { epoch: 1, loss: 12.5, mAP: 20, mAPEma: 5 },
    { epoch: 2, loss: 9.25, mAP: 40, mAPEma: 30 },
  ],
  classes: [
    { name: "cat", unseen: 80, heldOut: 40 },
    { name: "dog", unseen: 60, heldOut: 20 },
  ],
  scenes: [
    {
      name: "000001.png",
      split: "unseen",
      picture: PICTURE,
      tags: [
        { name: "cat", score: 0.9, outcome: "correct" },
        { name: 'd"og<script>', score: 0.6, outcome: "wrong" },
        { name: "bus", score: 0.2, outcome: "missed" },
      ],
    },
    { name: "000002.png", split: "heldOut", picture: PICTURE, tags: [] },
  ],
  commands: ["npx pnpm@10 infer 'a & b.jpg'"],
};

describe("html", () => {
  it("escapes every text put in, so that reading the page gives the text back", () => {
    const decode = (text: string) =>
      text
        .replaceAll("&lt;", "<")
        .replaceAll("&gt;", ">")
        .replaceAll("&quot;", '"')
        .replaceAll("&#39;", "'")
        .replaceAll("&amp;", "&");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const { html: escaped } = html`${text}`;
        expect(escaped).not.toMatch(/[<>"']/);
        expect(decode(escaped)).toBe(text);
      }),
    );
  });

  it("puts in pieces of HTML and lists of them as they are", () => {
    expect(html`<p>${[html`<b>${1}</b>`, "&"]}</p>`.html).toBe("<p><b>1</b>&amp;</p>");
  });
});

describe("compareTags", () => {
  it("calls a tag correct, missed or wrong, the highest score first, and leaves out what is neither there nor said", () => {
    const scores = { cat: 0.6, dog: 0.3, cow: 0.9, bus: 0.1 };
    expect(compareTags(scores, new Set(["cat", "cow"]), new Set(["cat", "dog"]))).toEqual([
      { name: "cow", score: 0.9, outcome: "wrong" },
      { name: "cat", score: 0.6, outcome: "correct" },
      { name: "dog", score: 0.3, outcome: "missed" },
    ]);
  });
});

describe("ticks", () => {
  it("are evenly spaced, cover the range and are few", () => {
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(value, value, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        fc.pre(high - low > 1e-6);
        const found = ticks(low, high, 5);
        expect(found[0]).toBeLessThanOrEqual(low + (high - low) * 1e-6);
        expect(found.at(-1)).toBeGreaterThanOrEqual(high - (high - low) * 1e-6);
        expect(found.length).toBeLessThanOrEqual(8);
        const steps = found.slice(1).map((tick, index) => tick - found[index]!);
        for (const step of steps) expect(step).toBeCloseTo(steps[0]!, 9 - Math.ceil(Math.log10(1 + Math.abs(high))));
      }),
    );
  });

  it("are round numbers", () => {
    expect(ticks(0, 100, 5)).toEqual([0, 20, 40, 60, 80, 100]);
    expect(ticks(0.12, 0.71, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8]);
  });
});

describe("lineChart", () => {
  it("says its last values in words", () => {
    const series = [
      {
        name: "loss",
        tone: "first" as const,
        points: [
          { x: 1, y: 3 },
          { x: 2, y: 1.5 },
        ],
      },
    ];
    const { html: chart } = lineChart({ title: "Loss", xLabel: "epoch", series, format: String });
    expect(chart).toContain('aria-label="Loss. loss: 1.50 at epoch 2"');
  });

  it("is empty without points", () => {
    expect(lineChart({ title: "Loss", xLabel: "epoch", series: [], format: String }).html).toBe("");
  });
});

describe("renderPage", () => {
  const page = renderPage(report);

  it("needs no other file and no network", () => {
    const addresses = [...page.matchAll(/(?:src|href|action|data)\s*=\s*"([^"]*)"/g)].map(([, address]) => address!);
    expect(addresses.length).toBeGreaterThan(0);
    for (const address of addresses) expect(address).toMatch(/^data:/);
    expect(page).not.toMatch(/@import|url\(|https?:/);
  });

  it("shows each picture with a description of what is in it", () => {
    expect(page).toContain('alt="a scene with cat, bus"');
    expect(page).toContain('alt="a scene with none of the classes"');
  });

  it("marks tags by word and sign, not by colour alone", () => {
    for (const [sign, word] of [
      ["✓", "correct"],
      ["○", "missed"],
      ["✕", "wrong"],
    ]) {
      expect(page).toContain(`<span aria-hidden="true">${sign}</span><span class="unseen-name">${word}: </span>`);
    }
  });

  it("gives its script the tags as data that it can read", () => {
    const data = page.match(/data-split="unseen" data-tags="([^"]*)"/)?.[1];
    const tags: unknown = JSON.parse(data!.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">"));
    expect(tags).toEqual([
      ["cat", "correct"],
      ['d"og<script>', "wrong"],
      ["bus", "missed"],
    ]);
  });

  it("shows names that look like markup as text", () => {
    expect(page).not.toContain("og<script>");
    expect(page).toContain("$ npx pnpm@10 infer &#39;a &amp; b.jpg&#39;");
  });
});

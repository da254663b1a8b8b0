import { describe, expect, it } from "vitest";
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

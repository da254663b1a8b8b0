import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { html, pageData, renderPage } from "../src/index.js";

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

describe("renderPage", () => {
  it("embeds data that come back as they were, and cannot end their script element", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const page = renderPage({ title: "", body: html``, data: value });
        expect(pageData(page)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    const page = renderPage({ title: "", body: html``, data: { name: "</script><script>alert(1)</script>" } });
    expect(page).not.toContain("<script>alert");
    expect(pageData(page)).toEqual({ name: "</script><script>alert(1)</script>" });
  });
});

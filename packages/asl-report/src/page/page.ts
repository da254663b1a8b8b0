import { type Html, html, trusted } from "./html.js";
import { BASE_STYLE } from "./style.js";

export interface PageOptions {
  readonly title: string;
  /** Beside the style sheet that all pages have. */
  readonly style?: string;
  readonly body: Html;
  /** What the page shows, for programs: in the element `report-data`. */
  readonly data?: unknown;
}

/** A whole HTML page: no other file and no network is needed to show it. */
export function renderPage({ title, style = "", body, data }: PageOptions): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${trusted(BASE_STYLE + style)}</style>
</head>
<body>
${body}
${data === undefined ? [] : html`<script type="application/json" id="report-data">${trusted(scriptJson(data))}</script>`}
</body>
</html>
`;
  return page.html;
}

/** JSON that cannot end the script element that it stands in. */
const scriptJson = (value: unknown) => JSON.stringify(value).replaceAll("<", "\\u003c");

/** What `renderPage` has embedded as `data`. Throws SyntaxError for a page without it. */
export function pageData(page: string): unknown {
  const text = /<script type="application\/json" id="report-data">(.*?)<\/script>/s.exec(page)?.[1];
  return JSON.parse(text ?? "");
}

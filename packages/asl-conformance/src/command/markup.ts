// Small pieces of the report's page. Everything that comes from outside passes through `escaped`.

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
export const escaped = (text: string) => text.replace(/[&<>"]/g, (letter) => ENTITIES[letter]!);

export const grouped = (count: number) => count.toLocaleString("en");

export const cell = (text: string, kind = "") => `<td class="${kind}">${escaped(text)}</td>`;
export const number = (count: number) => cell(grouped(count), "number");

/** What a row is about; stays in sight where the table is wider than its box. */
export const rowTitle = (text: string, kind = "") => `<th scope="row" class="${kind}">${escaped(text)}</th>`;

/** Bits that differ. */
export const bitsCell = (bits: number, failed: number, note = "") =>
  `<td class="number ${failed > 0 ? "bad" : "ok"}">${failed > 0 && bits === 0 ? "failed" : grouped(bits)}${note}</td>`;

export const share = (ratio: number) =>
  Number.isFinite(ratio) ? `${(100 * ratio).toFixed(ratio > 0 && ratio < 0.01 ? 2 : 0)} %` : "∞";

/** An error as a share of what is allowed, with a bar as long. */
export function shareCell(ratio: number, failed: number, note = ""): string {
  const width = Math.min(100, 100 * ratio).toFixed(1);
  // a case that threw has no ratio
  const text = failed > 0 && ratio <= 1 ? "failed" : share(ratio);
  return `<td class="number ${failed > 0 ? "bad" : "share"}" style="--share:${width}%">${text}${note}</td>`;
}

export const deviatingNote = (cases: number) => (cases === 0 ? "" : `<sup>−${cases}</sup>`);

export interface Head {
  readonly title: string;
  /** Columns below it. */
  readonly span?: number;
  readonly kind?: string;
}

/** Rows of cells under one or two lines of titles, in a box that scrolls by itself. */
export function table(head: readonly (readonly (string | Head)[])[], rows: readonly (readonly string[])[]): string {
  const titles = head.map((line) => {
    const cells = line.map((each) => {
      const { title, span = 1, kind = "" } = typeof each === "string" ? { title: each } : each;
      return `<th scope="col" class="${kind}"${span === 1 ? "" : ` colspan="${span}"`}>${escaped(title)}</th>`;
    });
    return `<tr>${cells.join("")}</tr>`;
  });
  const body = rows.map((row) => `<tr>${row.join("")}</tr>`).join("\n");
  return (
    `<div class="scroll" tabindex="0"><table><thead>${titles.join("")}</thead>` +
    `<tbody>\n${body}\n</tbody></table></div>`
  );
}

/** Titles of columns with numbers. */
export const numeric = (titles: readonly string[]): readonly Head[] =>
  titles.map((title) => ({ title, kind: "number" }));

import type { DatasetInspection } from "asl-data";

const STYLE =
  "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}" +
  "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.15rem .6rem;text-align:left;border-bottom:1px solid #ddd}" +
  "td.number{text-align:right}.bar{background:#4a7ebb;height:.7rem}";

/** The inspection as one HTML file without anything from elsewhere. */
export function inspectionPage({ labels, pictures, suggestion }: DatasetInspection): string {
  const frequent = [...labels.classes].sort((a, b) => b.positives - a.positives);
  const most = Math.max(1, frequent[0]?.positives ?? 1);
  const classes = frequent.map(
    ({ name, positives, unannotated }) =>
      `<tr><td>${escaped(name)}</td><td class="number">${positives}</td><td class="number">${unannotated}</td>` +
      `<td style="width:20rem"><div class="bar" style="width:${((100 * positives) / most).toFixed(1)}%"></div></td></tr>`,
  );
  const pairs = labels.coOccurrences.map(
    ({ classes: [a, b], pictures: together, lift }) =>
      `<tr><td>${escaped(a)} + ${escaped(b)}</td><td class="number">${together}</td><td class="number">${lift.toFixed(2)}</td></tr>`,
  );
  const broken = (pictures?.broken ?? []).map(({ message }) => `<li>${escaped(message)}</li>`);
  const facts = [
    `${labels.pictures} pictures, ${labels.classes.length} classes`,
    `${labels.positivesPerPicture.mean.toFixed(2)} classes per picture, at most ${labels.positivesPerPicture.max}`,
    `${labels.negativesPerPositive.toFixed(1)} negatives per positive`,
    `Gini coefficient ${labels.gini.toFixed(3)}, most frequent over rarest class ${labels.maxOverMin.toFixed(1)}`,
    pictures === null
      ? "pictures were not decoded"
      : `${pictures.broken.length} of ${pictures.checked} pictures are broken`,
  ];
  return [
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Dataset</title>',
    `<style>${STYLE}</style><h1>Dataset</h1>`,
    list(facts.map(escaped)),
    `<h2>To begin with</h2>${list(suggestion.reasons.map(escaped))}`,
    broken.length === 0 ? "" : `<h2>Broken pictures</h2><ul>${broken.join("")}</ul>`,
    `<h2>Classes</h2><table><tr><th>class<th>pictures<th>not looked for<th></tr>${classes.join("")}</table>`,
    `<h2>Together</h2><table><tr><th>classes<th>pictures<th>lift</tr>${pairs.join("")}</table></html>\n`,
  ].join("\n");
}

const list = (entries: readonly string[]) => `<ul>${entries.map((entry) => `<li>${entry}</li>`).join("")}</ul>`;

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text: string) => text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character]!);

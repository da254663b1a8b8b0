import { histogram, lineChart, type Point, sparkline, type Tone } from "../chart/charts.js";
import { type Html, html } from "../page/html.js";
import type { CurvePoint } from "./precision-recall-curve.js";
import type { ClassData, ShownMistake, ValidationData } from "./report-data.js";

/** Everything about one set of predictions, section by section. */
export function validationSections(data: ValidationData): Html {
  return html`${section("classes", "Average precision by class", classBars(data.classes))}
${section("curves", "Precision and recall", curves(data))}
${section("scores", "Scores", scores(data))}
${section("together", "Errors that come with other classes", coOccurrence(data))}
${section("false-positives", "Worst false positives", mistakes(data.falsePositives, "found, but not there"))}
${section("false-negatives", "Worst false negatives", mistakes(data.falseNegatives, "there, but not found"))}`;
}

export const section = (id: string, title: string, content: Html): Html =>
  html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${content}</section>`;

/** Classes with a curve are the ones that a long list shows. */
const isShown = (classes: readonly ClassData[]) => {
  const isLong = classes.some(({ positives, curve }) => positives > 0 && curve.length === 0);
  return ({ curve }: ClassData) => !isLong || curve.length > 0;
};

function classBars(classes: readonly ClassData[]): Html {
  const shown = classes.filter(isShown(classes));
  const left = classes.length - shown.length;
  const size = Math.ceil(shown.length / (shown.length > 12 ? 2 : 1));
  const columns = [shown.slice(0, size), shown.slice(size)].filter((rows) => rows.length > 0);
  return html`${left > 0 ? html`<p>The best and the worst classes; ${left} in between are left out.</p>` : []}
<div class="panels">${columns.map(
    (rows) => html`<div class="panel"><table class="classes">
<thead><tr><th scope="col">class</th><th scope="col">AP, percent</th><th scope="col" class="count">positives</th></tr></thead>
<tbody>${rows.map(
      ({ name, ap, positives }) =>
        html`<tr><th scope="row">${name}</th><td>${positives === 0 ? "-" : bar(ap)}</td><td class="count">${positives}</td></tr>`,
    )}</tbody></table></div>`,
  )}</div>`;
}

const bar = (percent: number): Html =>
  html`<span class="bar"><span class="number">${percent.toFixed(1)}</span><span class="track"><span class="fill" style="width:${percent.toFixed(1)}%"></span></span></span>`;

function curves({ classes, overallCurve }: ValidationData): Html {
  const withCurve = classes.filter(({ curve }) => curve.length > 0);
  const chart = lineChart({
    title: "Precision over recall",
    xLabel: "recall",
    series: [
      { name: "all classes together", tone: "first" as Tone, points: pointsOf(overallCurve) },
      ...examples(withCurve).map(({ name, curve, tone, what }) => ({
        ...{ tone, points: pointsOf(curve) },
        name: `${what}: ${name}`,
      })),
    ],
    xRange: [0, 1],
    yRange: [0, 1],
  });
  const small = withCurve.map(
    ({ name, ap, curve }) =>
      html`<figure>${sparkline(pointsOf(curve), `precision over recall of ${name}`)}<figcaption>${name} <span>${ap.toFixed(0)}</span></figcaption></figure>`,
  );
  return html`<div class="panels"><div class="panel">${chart}</div>
<div class="panel"><details${withCurve.length <= 24 ? html` open` : []}><summary>Every class</summary><div class="curves">${small}</div></details></div></div>`;
}

/** The best, the middle and the worst class. */
function examples(classes: readonly ClassData[]) {
  if (classes.length < 3) return [];
  const picks = [
    { place: 0, what: "best", tone: "third" },
    { place: Math.floor((classes.length - 1) / 2), what: "middle", tone: "second" },
    { place: classes.length - 1, what: "worst", tone: "fourth" },
  ] as const;
  return picks.map(({ place, what, tone }) => ({ ...classes[place]!, what, tone }));
}

const pointsOf = (curve: readonly CurvePoint[]): readonly Point[] =>
  curve.map(({ recall, precision }) => ({ x: recall, y: precision }));

function scores({ histogram: { positives, negatives }, metrics: { threshold } }: ValidationData): Html {
  const shares = (counts: readonly number[]) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    return counts.map((count) => (total === 0 ? 0 : (100 * count) / total));
  };
  const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0).toLocaleString("en");
  const at = typeof threshold === "number" ? `Threshold ${threshold}.` : "Each class has a threshold of its own.";
  const chart = histogram({
    title: "Scores, percent of each group",
    xLabel: "score",
    groups: [
      { name: `there (${total(positives)})`, tone: "first", heights: shares(positives) },
      { name: `not there (${total(negatives)})`, tone: "second", heights: shares(negatives) },
    ],
    about: `Pairs of picture and class. ${at}`,
  });
  return html`<div class="panel single">${chart}</div>`;
}

function coOccurrence({ coOccurrence: errors }: ValidationData): Html {
  if (errors.length === 0) return html`<p>No class is wrong more often beside another one than elsewhere.</p>`;
  return html`<p>Pairs with the most errors beyond what the class makes on all pictures.</p>
<div class="panel wide"><table class="together">
<thead><tr><th scope="col">on pictures with</th><th scope="col">this class is</th><th scope="col">times</th><th scope="col">expected</th></tr></thead>
<tbody>${errors.map(
    ({ shown, className, kind, errors: count, pictures, expected }) =>
      html`<tr><th scope="row">${shown}</th><td><b>${className}</b> ${kind === "invented" ? "wrongly found" : "not found"}</td><td>${count} of ${pictures}</td><td>${expected.toFixed(1)}</td></tr>`,
  )}</tbody></table></div>`;
}

function mistakes(list: readonly ShownMistake[], what: string): Html {
  if (list.length === 0) return html`<p>None.</p>`;
  return html`<ul class="mistakes">${list.map(
    ({ picture, className, score, truth, image }) => html`<li class="scene">
${image === null ? [] : html`<img src="${image}" alt="${truth.length === 0 ? "none of the classes" : truth.join(", ")}">`}
<div class="about"><span><b>${className}</b> <span class="score">${score.toFixed(3)}</span></span><span class="what">${what}</span><span class="what">shows: ${truth.length === 0 ? "none of the classes" : truth.join(", ")}</span><span class="name">${picture}</span></div>
</li>`,
  )}</ul>`;
}

/** For what these sections have and other pages have not. */
export const VALIDATION_STYLE = `
.count { text-align: right; width: 1%; padding-left: .8rem; white-space: nowrap; }
th.count { text-align: right; padding-right: 0; }
.classes th[scope="row"], .together th[scope="row"] { max-width: 11rem; overflow: hidden; text-overflow: ellipsis; }
.wide { overflow-x: auto; max-width: 48rem; } .single { max-width: 40rem; }
.together td + td { white-space: nowrap; }
.together th, .together td { padding: .25rem .9rem .25rem 0; vertical-align: top; }
@media (max-width: 32rem) {
  .together th[scope="row"] { white-space: normal; }
  .together th, .together td { padding-right: .5rem; }
}
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(5.6rem, 1fr)); gap: .6rem; margin-top: .8rem; }
.curves figure { margin: 0; min-width: 0; } .curves svg { display: block; width: 100%; height: auto; }
.curves figcaption { font-size: .75rem; color: var(--soft); overflow-wrap: anywhere; line-height: 1.3; }
.curves figcaption span { color: var(--ink); font-variant-numeric: tabular-nums; }
.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .8rem; list-style: none; margin: 0; padding: 0; }
.scene { overflow: hidden; display: flex; flex-direction: column; }
.scene img { display: block; width: 100%; height: auto; aspect-ratio: 1; object-fit: contain; background: var(--line); }
.scene .about { padding: .6rem .7rem .75rem; display: grid; gap: .15rem; font-size: .85rem; overflow-wrap: anywhere; }
.scene .what, .scene .name { color: var(--soft); font-size: .78rem; } .scene .score { font-variant-numeric: tabular-nums; }
`;

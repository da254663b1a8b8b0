import { type Html, html, lineChart, renderPage as renderHtmlPage, trusted } from "asl-report";
import type { ClassRecord, EpochRecord, Report, SceneRecord, SceneTag, TagOutcome } from "./report.js";
import { SCRIPT } from "./script.js";
import { STYLE } from "./style.js";

/** Said and drawn beside the colour, so that nobody needs to see the colour. */
const OUTCOMES: Readonly<Record<TagOutcome, { readonly mark: string; readonly meaning: string }>> = {
  correct: { mark: "✓", meaning: "correct" },
  missed: { mark: "○", meaning: "missed" },
  wrong: { mark: "✕", meaning: "wrong" },
};

/** The report as one self-contained HTML file: no other file and no network is needed to show it. */
export function renderPage(report: Report): string {
  const body = html`<header>
<h1>Emoji scenes: what the model sees</h1>
<p>A multi-label classifier (TResNet, asymmetric loss), trained from random weights in TypeScript on this machine. The pictures below are validation scenes that it never saw in training.</p>
<dl class="figures">${report.figures.map(
    ({ label, value, note }) =>
      html`<div><dt>${label}</dt><dd class="value">${value}</dd><dd class="note">${note}</dd></div>`,
  )}</dl>
</header>
<main>
<section aria-labelledby="training"><h2 id="training">Training</h2>${curves(report.history)}</section>
<section aria-labelledby="classes"><h2 id="classes">Classes</h2>${classTable(report.classes)}</section>
<section aria-labelledby="pictures"><h2 id="pictures">Pictures</h2>
<p class="example">${tagList([
    { name: "found", score: 0.93, outcome: "correct" },
    { name: "in the picture but not found", score: 0.31, outcome: "missed" },
    { name: "not in the picture", score: 0.72, outcome: "wrong" },
  ])}</p>
${filters(report)}
<ul class="scenes">
${report.scenes.map(scene)}
</ul>
</section>
<section aria-labelledby="how"><h2 id="how">How it was made</h2>
<div class="panels">
<div class="panel"><dl class="recipe">${report.recipe.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></div>
<div class="panel"><pre>${report.commands.map((command) => `$ ${command}`).join("\n")}</pre></div>
</div>
</section>
</main>
<footer>The drawings are Noto Emoji (Apache-2.0, Google) and Fluent Emoji (MIT, Microsoft).</footer>
<script>${trusted(SCRIPT)}</script>`;
  return renderHtmlPage({ title: "Emoji scenes: what the model sees", style: STYLE, body });
}

function curves(history: readonly EpochRecord[]): Html {
  const loss = lineChart({
    title: "Training loss, summed over a batch",
    xLabel: "epoch",
    series: [{ name: "loss", tone: "first", points: history.map(({ epoch, loss }) => ({ x: epoch, y: loss })) }],
    yRange: [0, 0],
    whole: true,
  });
  const mAP = lineChart({
    title: "mAP on unseen scenes, percent",
    xLabel: "epoch",
    series: [
      { name: "regular weights", tone: "first", points: history.map(({ epoch, mAP }) => ({ x: epoch, y: mAP })) },
      { name: "averaged weights", tone: "second", points: history.map((at) => ({ x: at.epoch, y: at.mAPEma })) },
    ],
    yRange: [0, 100],
    whole: true,
  });
  return html`<div class="panels"><div class="panel">${mAP}</div><div class="panel">${loss}</div></div>`;
}

function classTable(classes: readonly ClassRecord[]): Html {
  const sorted = [...classes].sort((a, b) => b.unseen - a.unseen);
  const half = Math.ceil(sorted.length / 2);
  const part = (rows: readonly ClassRecord[], caption: string) => html`<div class="panel"><table>
<caption>${caption}</caption>
<thead><tr><th scope="col">class</th><th scope="col">unseen scenes</th><th scope="col">held-out icon family</th></tr></thead>
<tbody>${rows.map(
    ({ name, unseen, heldOut }) =>
      html`<tr><th scope="row">${name}</th><td>${bar(unseen, "first")}</td><td>${bar(heldOut, "second")}</td></tr>`,
  )}</tbody></table></div>`;
  return html`<div class="panels">${part(sorted.slice(0, half), "Average precision, percent: best half")}${part(sorted.slice(half), "The other half")}</div>`;
}

function bar(percent: number, tone: "first" | "second"): Html {
  return html`<span class="bar ${tone}"><span class="number">${percent.toFixed(0)}</span><span class="track"><span class="fill" style="width:${percent.toFixed(1)}%"></span></span></span>`;
}

function filters({ classes, scenes }: Report): Html {
  const named = [...new Set(scenes.flatMap(({ tags }) => tags.map(({ name }) => name)))].sort();
  const names = named.length > 0 ? named : classes.map(({ name }) => name);
  const option = (value: string, text: string) => html`<option value="${value}">${text}</option>`;
  return html`<form class="filters" hidden aria-label="Choose pictures">
<label>Scenes<select name="split">${option("", "all")}${option("unseen", "unseen scenes")}${option("heldOut", "held-out icon family")}</select></label>
<label>Class<select name="tag">${option("", "all")}${names.map((name) => option(name, name))}</select></label>
<label>Tags<select name="outcome">${option("", "any")}${option("perfect", "all correct")}${option("mistake", "with a mistake")}${option("missed", "something missed")}${option("wrong", "something wrong")}</select></label>
<button type="reset">Show all</button>
<output aria-live="polite"></output>
</form>`;
}

function scene({ name, split, picture, tags }: SceneRecord): Html {
  const truth = tags.filter(({ outcome }) => outcome !== "wrong").map((tag) => tag.name);
  const alt = truth.length === 0 ? "a scene with none of the classes" : `a scene with ${truth.join(", ")}`;
  const data = JSON.stringify(tags.map((tag) => [tag.name, tag.outcome]));
  return html`<li class="scene" data-split="${split}" data-tags="${data}">
<img src="${picture}" alt="${alt}" width="128" height="128" loading="lazy">
<div class="about"><div class="source"><span>${name}</span>${split === "heldOut" ? html`<span class="held-out">held-out icons</span>` : []}</div>
${tags.length === 0 ? html`<span class="none">nothing to find, nothing found</span>` : tagList(tags)}</div>
</li>
`;
}

function tagList(tags: readonly SceneTag[]): Html {
  return html`<span class="tags" role="list">${tags.map(({ name, score, outcome }) => {
    const { mark, meaning } = OUTCOMES[outcome];
    return html`<span class="tag ${outcome}" role="listitem" title="${meaning}, score ${score.toFixed(3)}"><span aria-hidden="true">${mark}</span><span class="unseen-name">${meaning}: </span>${name} <span class="score">${score.toFixed(2)}</span></span>`;
  })}</span>`;
}

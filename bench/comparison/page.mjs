// Comparisons as pages that need no other file.
import { BALANCE, balanceSeries, html, lineChart, renderPage } from "asl-report";
import { meanBy } from "./csv.mjs";
import { numberText, percentText, rangeText } from "./rows.mjs";

const STYLE = `
.results { overflow-x: auto; margin-bottom: .8rem; }
.results th, .results td { padding: .25rem .9rem .25rem 0; white-space: nowrap; text-align: right; width: auto; }
.results th:first-child { text-align: left; }
.results td.wide { width: 40%; min-width: 9rem; }
.range { display: block; position: relative; height: .9rem; border-radius: 99px; background: color-mix(in srgb, var(--line) 60%, transparent); }
.range .inner { position: absolute; top: .3rem; height: .3rem; border-radius: 99px; background: var(--first); opacity: .45; }
.range .mean { position: absolute; top: .1rem; width: .7rem; height: .7rem; margin-left: -.35rem; border-radius: 50%; background: var(--first); }
h3 { font-size: 1rem; margin: 1.6rem 0 .6rem; }
`;

const INTERVALS =
  "mAP in percent of the moving average after the last epoch, on scenes that keep all labels. Intervals are 95 % by Student's t over seeds, differences are of pairs with the same seed.";

/** arms: {name: title}; losses: {name: title}; rows and records as paper-losses has them. */
export function paperLossesPage({ rows, records, arms, losses, settings }) {
  const named = Object.entries(arms).filter(([arm]) => rows.some((row) => row.arm === arm));
  const body = html`<header><h1>Losses on emoji scenes</h1>
<p>${settings.scenes} scenes, ${settings.classes} classes with a long tail, ${settings.imageSize} px, ${settings.epochs} epochs: the same network, pictures and budget for every loss. ${INTERVALS}</p></header>
<main>${named.map(([arm, title]) => armSection(arm, title, { rows, records, losses }))}
<section aria-labelledby="cost"><h2 id="cost">What the loss costs</h2>
<p>Time of the loss and its gradient alone beside that of a whole training step: an upper bound.</p>
<div class="panel results"><table><thead><tr><th scope="col">loss</th><th scope="col">share of a step</th></tr></thead>
<tbody>${costs(rows, losses).map(([loss, share]) => html`<tr><th scope="row">${loss}</th><td>${percentText(share)}</td></tr>`)}</tbody></table></div></section>
</main>`;
  return renderPage({ title: "Losses on emoji scenes", style: STYLE, body, data: { settings, rows } });
}

function armSection(arm, title, { rows, records, losses }) {
  const own = rows.filter((row) => row.arm === arm);
  const removes = own.some(({ pRemoved }) => pRemoved !== null);
  return html`<section aria-labelledby="${arm}"><h2 id="${arm}">${title}</h2>
${resultTable(own, ({ loss }) => losses[loss], "loss", "minus CE")}
${removes ? removedTable(own, losses) : []}
<h3>Balance of probabilities, mean of the seeds</h3>
<p>${BALANCE}</p>
<div class="panels">${own.map(({ loss }) => {
    const runs = records.filter(({ run }) => run.arm === arm && run.loss === loss);
    return runs.length === 0 ? [] : html`<div class="panel">${balanceChart(losses[loss], runs)}</div>`;
  })}</div></section>`;
}

function resultTable(rows, nameOf, what, difference) {
  const most = Math.max(1, ...rows.map(({ mAP, high }) => high ?? mAP ?? 0));
  return html`<div class="panel results"><table>
<thead><tr><th scope="col">${what}</th><th scope="col">mAP</th><th scope="col">95 %</th><th scope="col"></th><th scope="col">seeds</th><th scope="col">${difference}</th><th scope="col">95 %</th></tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr><th scope="row">${nameOf(row)}</th><td>${numberText(row.mAP, 2)}</td><td>${rangeText(row)}</td><td class="wide">${range(row, most)}</td><td>${row.seeds}</td><td>${numberText(row.difference?.mean, 2)}</td><td>${rangeText(row.difference)}</td></tr>`,
  )}</tbody></table></div>`;
}

/** Mean and interval on a line from 0 to `most`. */
function range({ mAP, low, high }, most) {
  if (mAP === null) return [];
  const percent = (value) => `${Math.min(100, Math.max(0, (100 * value) / most)).toFixed(2)}%`;
  const width = (Math.min(high ?? 0, most) - Math.max(low ?? 0, 0)) / most;
  const inner =
    low === null
      ? []
      : html`<span class="inner" style="left:${percent(low)};width:${(100 * width).toFixed(2)}%"></span>`;
  return html`<span class="range">${inner}<span class="mean" style="left:${percent(mAP)}"></span></span>`;
}

function removedTable(rows, losses) {
  const cells = ({ pKept, pRemoved, pTrueNegative, gradientShare, gradientShareOfCrossEntropy, gammaNeg }) => [
    ...[pKept, pRemoved, pTrueNegative].map((p) => numberText(p, 3)),
    percentText(gradientShare),
    percentText(gradientShareOfCrossEntropy),
    numberText(gammaNeg, 2),
  ];
  return html`<h3>Positives whose label was removed</h3>
<p>Mean probabilities on the training pictures, and which part of the gradient of all negatives pulls at the removed positives: with this loss, and with cross-entropy at the same probabilities. The lower the first beside the second, the more of them the loss discards.</p>
<div class="panel results"><table>
<thead><tr>${["loss", "p, label kept", "p, label removed", "p, true negatives", "their pull", "with CE", "gamma-"].map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr><th scope="row">${losses[row.loss]}</th>${cells(row).map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>`;
}

function balanceChart(title, runs) {
  const epochs = runs[0].record.balance.map(({ epoch }) => epoch);
  const points = (of) =>
    epochs.map((epoch, index) => ({ x: epoch, y: meanBy(runs, ({ record }) => of(record.balance[index])) }));
  return lineChart({
    title,
    xLabel: "epoch",
    series: balanceSeries(
      points(({ pPositive }) => pPositive),
      points(({ pNegative }) => pNegative),
      points(({ gap }) => gap),
    ),
    yRange: [-1, 1],
    whole: true,
  });
}

const costs = (rows, losses) =>
  Object.entries(losses).flatMap(([loss, title]) => {
    const row = rows.find((each) => each.loss === loss);
    return row === undefined ? [] : [[title, row.lossShare]];
  });

/** rows as ablation has them. */
export function ablationPage({ rows, settings }) {
  const factors = [...new Set(rows.map(({ factor }) => factor))];
  const body = html`<header><h1>Ablation of the recipe</h1>
<p>ASL from a pretrained backbone, ${settings.scenes} scenes, ${settings.epochs} epochs; one part of the recipe is changed at a time. ${INTERVALS}</p></header>
<main>${factors.map(
    (factor) => html`<section aria-labelledby="${factor}"><h2 id="${factor}">${factor}</h2>
${resultTable(
  rows.filter((row) => row.factor === factor),
  ({ value }) => value,
  "value",
  "difference",
)}</section>`,
  )}</main>`;
  return renderPage({ title: "Ablation of the recipe", style: STYLE, body, data: { settings, rows } });
}

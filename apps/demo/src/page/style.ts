/** The page's style sheet: light and dark by the reader's setting, colours chosen for a contrast of 4.5 and more. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --line: #dde1e7; --ink: #161b22; --soft: #57606a; --accent: #0b62c4;
  --correct: #0f6b34; --correct-fill: #dcf5e4; --missed: #7a4b00; --wrong: #a8201a; --wrong-fill: #fde4e2;
  --first: #0b62c4; --second: #b4490f; --shade: 0 1px 2px rgb(20 30 50 / .06), 0 4px 14px rgb(20 30 50 / .05);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1116; --card: #171b22; --line: #2d333d; --ink: #e8ebef; --soft: #9aa4b0; --accent: #6cb1ff;
    --correct: #6fdd97; --correct-fill: #12351f; --missed: #f0b95a; --wrong: #ff9b93; --wrong-fill: #45191a;
    --first: #6cb1ff; --second: #ff9e64; --shade: none;
  }
}
* { box-sizing: border-box; }
html { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; background: var(--page); color: var(--ink); }
body { margin: 0 auto; padding: 2.5rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 84rem; }
h1 { font-size: clamp(1.6rem, 3vw, 2.2rem); line-height: 1.2; letter-spacing: -.02em; margin: 0 0 .4rem; }
h2 { font-size: 1.2rem; letter-spacing: -.01em; margin: 2.75rem 0 .9rem; }
p { margin: 0 0 .75rem; max-width: 62ch; color: var(--soft); }
a { color: var(--accent); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .8rem; margin: 1.6rem 0 0; padding: 0; }
.figures div, .panel, .scene { background: var(--card); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shade); }
.figures div { padding: .9rem 1.1rem 1rem; display: flex; flex-direction: column; }
.figures dt { color: var(--soft); font-size: .86rem; order: 1; }
.figures dd { margin: 0; }
.figures .value { font-size: 1.9rem; font-weight: 650; letter-spacing: -.02em; line-height: 1.25; order: 2; font-variant-numeric: tabular-nums; }
.figures .note { color: var(--soft); font-size: .8rem; order: 3; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: .8rem; }
.panel { padding: 1rem 1.1rem; min-width: 0; }
.chart { margin: 0; }
.chart figcaption { display: flex; flex-wrap: wrap; gap: .3rem 1rem; justify-content: space-between; font-weight: 600; font-size: .95rem; }
.chart svg { display: block; width: 100%; height: auto; margin-top: .4rem; }
.grid { stroke: var(--line); }
.tick { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.line { fill: none; stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round; }
.line.first { stroke: var(--first); } .line.second { stroke: var(--second); stroke-dasharray: 6 4; }
.dot.first { fill: var(--first); } .dot.second { fill: var(--second); }
.legend { display: inline-flex; gap: .9rem; font-weight: 400; color: var(--soft); font-size: .85rem; }
.key::before { content: ""; display: inline-block; width: 1.2em; margin-right: .4em; vertical-align: .25em; border-top: 3px solid var(--first); }
.key.second::before { border-top: 3px dashed var(--second); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; font-size: .95rem; padding-bottom: .5rem; }
th { text-align: left; font-weight: 400; padding: .16rem .8rem .16rem 0; white-space: nowrap; width: 1%; }
thead th { color: var(--soft); font-size: .82rem; }
td { padding: .16rem 0 .16rem .4rem; }
.bar { display: flex; align-items: center; gap: .5rem; }
.bar .track { flex: 1; height: .55rem; border-radius: 99px; background: color-mix(in srgb, var(--line) 60%, transparent); overflow: hidden; }
.bar .fill { display: block; height: 100%; border-radius: 99px; background: var(--first); }
.bar.second .fill { background: var(--second); }
.bar .number { width: 2.6em; text-align: right; }
.filters { display: flex; flex-wrap: wrap; gap: .5rem .9rem; align-items: end; margin-bottom: 1rem; position: sticky; top: 0; z-index: 1; padding: .7rem 0; background: var(--page); }
.filters label { display: grid; gap: .15rem; font-size: .82rem; color: var(--soft); }
.filters select, .filters button { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .38rem .6rem; min-height: 2.4rem; }
.filters button { cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.filters output { margin-left: auto; color: var(--soft); font-size: .88rem; padding-bottom: .5rem; font-variant-numeric: tabular-nums; }
.scenes { display: grid; grid-template-columns: repeat(auto-fill, minmax(13.5rem, 1fr)); gap: .9rem; list-style: none; margin: 0; padding: 0; }
.scene { overflow: hidden; display: flex; flex-direction: column; }
.scene[hidden] { display: none; }
.scene img { display: block; width: 100%; height: auto; aspect-ratio: 1; object-fit: cover; image-rendering: auto; background: var(--line); }
.scene .about { padding: .7rem .8rem .85rem; display: grid; gap: .5rem; align-content: start; flex: 1; }
.scene .source { font-size: .75rem; color: var(--soft); display: flex; justify-content: space-between; gap: .5rem; }
.scene .held-out { color: var(--second); font-weight: 600; }
.tags { display: flex; flex-wrap: wrap; gap: .35rem; list-style: none; margin: 0; padding: 0; font-size: .82rem; }
.tag { display: inline-flex; align-items: baseline; gap: .35em; border-radius: 6px; padding: .1rem .45rem; border: 1.5px solid transparent; }
.tag .score { font-variant-numeric: tabular-nums; font-size: .9em; }
.tag.correct { color: var(--correct); background: var(--correct-fill); }
.tag.missed { color: var(--missed); border: 1.5px dashed currentColor; }
.tag.wrong { color: var(--wrong); background: var(--wrong-fill); }
.none { color: var(--soft); font-size: .82rem; }
.example { margin: 0 0 1rem; }
.unseen-name { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
details summary { cursor: pointer; font-weight: 600; }
.recipe { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; margin: 0; font-size: .92rem; }
.recipe dt { color: var(--soft); } .recipe dd { margin: 0; }
pre { overflow-x: auto; margin: 0; font: .82rem/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
footer { margin-top: 3rem; font-size: .85rem; color: var(--soft); }
@media print { .filters { display: none; } .scene { break-inside: avoid; } }
`;

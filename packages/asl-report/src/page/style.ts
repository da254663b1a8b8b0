/** The style sheet of every page: light and dark by the reader's setting, colours chosen for a contrast of 4.5 and more. */
export const BASE_STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --line: #dde1e7; --ink: #161b22; --soft: #57606a; --accent: #0b62c4;
  --correct: #0f6b34; --correct-fill: #dcf5e4; --missed: #7a4b00; --wrong: #a8201a; --wrong-fill: #fde4e2;
  --first: #0b62c4; --second: #b4490f; --third: #0f6b34; --fourth: #8a3ffc; --shade: 0 1px 2px rgb(20 30 50 / .06), 0 4px 14px rgb(20 30 50 / .05);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1116; --card: #171b22; --line: #2d333d; --ink: #e8ebef; --soft: #9aa4b0; --accent: #6cb1ff;
    --correct: #6fdd97; --correct-fill: #12351f; --missed: #f0b95a; --wrong: #ff9b93; --wrong-fill: #45191a;
    --first: #6cb1ff; --second: #ff9e64; --third: #6fdd97; --fourth: #c8a4ff; --shade: none;
  }
}
* { box-sizing: border-box; }
html { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; background: var(--page); color: var(--ink); }
body { margin: 0 auto; padding: 2.5rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 84rem; }
h1 { font-size: clamp(1.6rem, 3vw, 2.2rem); line-height: 1.2; letter-spacing: -.02em; margin: 0 0 .4rem; overflow-wrap: anywhere; }
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
.chart svg { display: block; width: 100%; height: auto; margin-top: .4rem; color: var(--soft); overflow: visible; }
.chart .about { font-size: .82rem; margin: .4rem 0 0; }
.legend { display: inline-flex; flex-wrap: wrap; gap: .1rem .9rem; font-weight: 400; color: var(--soft); font-size: .85rem; }
.key::before { content: ""; display: inline-block; width: 1.2em; margin-right: .4em; vertical-align: .25em; border-top: 3px solid var(--first); }
.key.second::before { border-top: 3px dashed var(--second); }
.key.third::before { border-top: 3px solid var(--third); }
.key.fourth::before { border-top: 3px dotted var(--fourth); }
.key.soft::before { border-top: 2px solid var(--soft); }
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
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.recipe { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; margin: 0; font-size: .92rem; }
.recipe dt { color: var(--soft); } .recipe dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 32rem) {
  body { padding-top: 1.25rem; }
  .figures { grid-template-columns: repeat(2, 1fr); gap: .5rem; }
  .figures div { padding: .6rem .75rem .7rem; } .figures .value { font-size: 1.5rem; }
  .recipe { grid-template-columns: 1fr; gap: 0; } .recipe dd { margin-bottom: .4rem; }
}
details summary { cursor: pointer; font-weight: 600; }
footer { margin-top: 3rem; font-size: .85rem; color: var(--soft); }
`;

/** What the demo's page has beside the style sheet of all pages. */
export const STYLE = `
.filters { display: flex; flex-wrap: wrap; gap: .5rem .9rem; align-items: end; margin-bottom: 1rem; position: sticky; top: 0; z-index: 1; padding: .7rem 0; background: var(--page); }
.filters label { display: grid; gap: .15rem; font-size: .82rem; color: var(--soft); }
.filters select, .filters button { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .38rem .6rem; min-height: 2.4rem; }
.filters button { cursor: pointer; }
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
pre { overflow-x: auto; margin: 0; font: .82rem/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
@media print { .filters { display: none; } .scene { break-inside: avoid; } }
`;

/** The report's style sheet: light and dark, readable on a telephone and on paper. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5d6778; --line: #e4e7ec; --page: #f6f7f9; --card: #fff;
  --head: #f9fafb; --good: #0b7a4b; --good-soft: #e3f5ec; --bar: #9dbff9; --bad: #b42318; --bad-soft: #fde7e4;
  --warn: #8a5a00; --warn-soft: #fdf3dc; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #9aa5b5; --line: #2b3240; --page: #10141a;
  --card: #171c24; --head: #1c222c; --good: #5fd39b; --good-soft: #14301f; --bar: #35598f; --bad: #ff9b8f;
  --bad-soft: #421c18; --warn: #f0c26b; --warn-soft: #3a2d10; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 56px; }
body { margin: 0; background: var(--page); color: var(--ink); font: 14px/1.5 system-ui, sans-serif; }
main { max-width: 1400px; margin: 0 auto; padding: 32px 20px 80px; }
h1 { font-size: 28px; margin: 0 0 20px; letter-spacing: -0.02em; }
h1 span { font-size: 14px; letter-spacing: 0; vertical-align: middle; padding: 4px 12px; border-radius: 99px; }
h1 .ok { color: var(--good); background: var(--good-soft); } h1 .bad { color: var(--bad); background: var(--bad-soft); }
h2 { font-size: 17px; margin: 0 0 12px; } h3 { font-size: 14px; margin: 16px 0 8px; }
h3:first-of-type { margin-top: 0; } small { color: var(--soft); font-weight: 400; font-size: 12px; }
p { color: var(--soft); margin: 0 0 12px; max-width: 80ch; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px; }
.tiles b { display: block; font-size: 28px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tiles .ok b { color: var(--good); } .tiles .bad b { color: var(--bad); }
.tiles span { color: var(--soft); font-size: 13px; }
nav { position: sticky; top: 0; z-index: 3; display: flex; gap: 4px; overflow-x: auto; background: var(--page);
  margin-top: 12px; padding: 8px 0; }
nav a { color: var(--soft); text-decoration: none; white-space: nowrap; padding: 4px 10px; border-radius: 99px; }
nav a:hover, nav a:focus-visible { color: var(--ink); background: var(--line); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 20px;
  margin: 8px 0 20px; }
/* a table has a box of its own: it scrolls there, under its titles and beside the titles of its rows */
.scroll { overflow: auto; max-height: calc(100vh - 96px); border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: 13px; }
th, td { text-align: left; padding: 5px 10px; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody tr:last-child > * { border-bottom: 0; }
thead { position: sticky; top: 0; z-index: 2; }
thead th { color: var(--soft); font-weight: 500; white-space: nowrap; background: var(--head); }
thead tr:not(:last-child) th { border-bottom: 0; padding-bottom: 0; } thead .group { text-align: right; color: var(--ink); }
tbody th { font-weight: 600; white-space: nowrap; background: var(--card); } tbody .again { font-weight: 400;
  color: color-mix(in srgb, var(--soft) 45%, var(--card)); }
th:first-child { position: sticky; left: 0; z-index: 1; border-right: 1px solid var(--line); }
thead th:first-child { z-index: 2; }
tbody tr:hover > * { box-shadow: inset 0 -1px var(--soft); } tbody tr:hover .again { color: var(--soft); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.tier { color: var(--soft); }
td.ok { color: var(--good); } td.bad { color: var(--bad); background: var(--bad-soft); font-weight: 600; }
td.share { background: linear-gradient(to right, var(--bar) var(--share), transparent var(--share)) 0 100% / 100% 3px
  no-repeat; }
td.usual { color: var(--soft); } td.unusual { color: var(--warn); background: var(--warn-soft); font-weight: 600; }
td.unusual { min-width: 110px; } td.reason { min-width: 260px; }
code, td.code, .failures span { font-family: ui-monospace, monospace; font-size: 12px; }
.failures { list-style: none; margin: 0; padding: 0; }
.failures li { border-left: 3px solid var(--bad); background: var(--bad-soft); border-radius: 4px; padding: 6px 10px;
  margin-bottom: 6px; overflow-wrap: anywhere; }
.failures code { font-weight: 700; color: var(--bad); } .failures span { display: block; }
details { margin-bottom: 6px; } summary { cursor: pointer; color: var(--soft); padding: 4px 0; }
sup { color: var(--warn); margin-left: 3px; line-height: 0; }
@media (max-width: 560px) { main { padding: 20px 10px 48px; } section { padding: 14px 12px; } h1 { font-size: 24px; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 8px; } .tiles div { padding: 12px; } .tiles b { font-size: 22px; }
  th, td { padding: 5px 7px; } tbody th { max-width: 40vw; overflow: hidden; text-overflow: ellipsis; } }
@media print { body { background: none; } nav { display: none; } .scroll { overflow: visible; max-height: none; }
  thead, th:first-child { position: static; } }
`;

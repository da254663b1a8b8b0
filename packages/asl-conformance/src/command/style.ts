/** The report's style sheet: light and dark, readable on a telephone and on paper. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1d2430; --soft: #667085; --line: #e4e7ec; --page: #f7f8fa; --card: #fff;
  --good: #0b7a4b; --good-soft: #e3f5ec; --bar: #cfe3ff; --bad: #b42318; --bad-soft: #fde7e4; --warn: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #98a2b3; --line: #2b3240; --page: #11151c;
  --card: #181d26; --good: #5fd39b; --good-soft: #14301f; --bar: #24406b; --bad: #ff9b8f; --bad-soft: #421c18;
  --warn: #f0c26b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 14px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 32px 20px 80px; }
h1 { font-size: 28px; margin: 0 0 20px; letter-spacing: -0.02em; }
h1 span { font-size: 14px; letter-spacing: 0; vertical-align: middle; padding: 4px 12px; border-radius: 99px; }
h1 .ok { color: var(--good); background: var(--good-soft); } h1 .bad { color: var(--bad); background: var(--bad-soft); }
h2 { font-size: 17px; margin: 0 0 12px; }
p { color: var(--soft); margin: 0 0 12px; max-width: 80ch; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px; }
.tiles b { display: block; font-size: 28px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tiles span { color: var(--soft); font-size: 13px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 20px; margin-top: 20px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: left; color: var(--soft); font-weight: 500; white-space: nowrap; }
th, td { padding: 5px 10px; border-bottom: 1px solid var(--line); }
tbody tr:last-child td { border-bottom: 0; }
td.name { font-weight: 600; white-space: nowrap; }
/* what a row is about stays in sight where a table is wider than the screen */
th:first-child, td.name:first-child { position: sticky; left: 0; background: var(--card); }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
td.tier { color: var(--soft); }
td.ok { color: var(--good); } td.bad { color: var(--bad); background: var(--bad-soft); font-weight: 600; }
td.share { background: linear-gradient(to right, var(--bar) var(--share), transparent var(--share)); }
td.usual { color: var(--soft); } td.unusual { color: var(--warn); font-weight: 600; }
td.code, .failures { font-family: ui-monospace, monospace; font-size: 12px; }
.failures li { color: var(--bad); margin-bottom: 6px; }
sup { color: var(--warn); margin-left: 3px; }
@media (max-width: 560px) { main { padding: 20px 10px 48px; } section { padding: 14px 12px; } h1 { font-size: 24px; }
  .tiles div { padding: 12px; } .tiles b { font-size: 22px; } th, td { padding: 5px 7px; } }
@media print { body { background: none; } section { break-inside: avoid; } .scroll { overflow: visible; } }
`;

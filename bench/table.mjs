const COLUMNS = ["name", "ours", "peer", "ratio", "runs", "note"];

/** Rows {name, ours, peer, ratio, runs, note} (times in seconds) as a Markdown table. */
export function formatTable(rows) {
  const cells = rows.map((row) => COLUMNS.map((column) => format(column, row[column])));
  const widths = COLUMNS.map((column, i) => Math.max(column.length, ...cells.map((line) => line[i].length)));
  const line = (parts) => `| ${parts.map((part, i) => part.padEnd(widths[i])).join(" | ")} |`;
  return [line(COLUMNS), line(widths.map((width) => "-".repeat(width))), ...cells.map(line)].join("\n");
}

function format(column, value) {
  if (value === null || value === undefined) return "-";
  if (column === "ours" || column === "peer") return `${(value * 1000).toFixed(1)} ms`;
  if (column === "ratio") return value.toFixed(2);
  return String(value);
}

/** Median of a non-empty list. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

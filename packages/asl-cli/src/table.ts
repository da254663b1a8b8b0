import CliTable from "cli-table3";

/** Rows as an aligned plain-text table: numbers are right-aligned by giving their columns in `right`. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[],
): string {
  const table = new CliTable({
    head: [...head],
    colAligns: head.map((_, column) => (right.includes(column) ? "right" : "left")),
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 1 },
    chars: {
      top: "",
      "top-mid": "",
      "top-left": "",
      "top-right": "",
      bottom: "",
      "bottom-mid": "",
      "bottom-left": "",
      "bottom-right": "",
      left: "",
      "left-mid": "",
      mid: "",
      "mid-mid": "",
      right: "",
      "right-mid": "",
      middle: " ",
    },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

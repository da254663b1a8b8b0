/** The rows of a run's metrics.csv or steps.csv as numbers by column. */
export function numbersOf(csv) {
  const [head = "", ...rows] = csv.trim().split("\n");
  const names = head.split(",");
  return rows.map((row) => {
    const cells = row.split(",");
    return Object.fromEntries(names.map((name, column) => [name, Number(cells[column])]));
  });
}

export const meanBy = (rows, value) => rows.reduce((sum, row) => sum + value(row), 0) / rows.length;

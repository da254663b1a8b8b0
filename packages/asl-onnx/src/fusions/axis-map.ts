/** A linear map along one axis: output i = sum over j of rows[i][j] input[j]. Entries are exact in float64. */
export interface AxisMap {
  readonly inputs: number;
  readonly rows: readonly (readonly number[])[];
}

export function axisMap(outputs: number, inputs: number, entry: (output: number, input: number) => number): AxisMap {
  const row = (i: number) => Array.from({ length: inputs }, (_, j) => entry(i, j));
  return { inputs, rows: Array.from({ length: outputs }, (_, i) => row(i)) };
}

export const identityMap = (extent: number): AxisMap => axisMap(extent, extent, (i, j) => (i === j ? 1 : 0));

/** after(before(x)). */
export function compose(after: AxisMap, before: AxisMap): AxisMap {
  return axisMap(after.rows.length, before.inputs, (i, j) =>
    after.rows[i]!.reduce((sum, factor, k) => (factor === 0 ? sum : sum + factor * before.rows[k]![j]!), 0),
  );
}

export const transposed = (map: AxisMap): AxisMap => axisMap(map.inputs, map.rows.length, (i, j) => map.rows[j]![i]!);

export const scaled = (map: AxisMap, factor: number): AxisMap =>
  axisMap(map.rows.length, map.inputs, (i, j) => map.rows[i]![j]! * factor);

export const sum = (a: AxisMap, b: AxisMap): AxisMap =>
  axisMap(a.rows.length, a.inputs, (i, j) => a.rows[i]![j]! + b.rows[i]![j]!);

/** The outputs of all maps, one after another. */
export const stacked = (maps: readonly AxisMap[]): AxisMap => ({
  inputs: maps[0]!.inputs,
  rows: maps.flatMap(({ rows }) => rows),
});

export function sameMap(a: AxisMap, b: AxisMap): boolean {
  return (
    a.inputs === b.inputs &&
    a.rows.length === b.rows.length &&
    a.rows.every((row, i) => row.every((entry, j) => entry === b.rows[i]![j]))
  );
}

/** Whether float32 holds every entry. */
export const isExact = ({ rows }: AxisMap): boolean => rows.every((row) => row.every((x) => x === Math.fround(x)));

import { SIMD } from "../wasm/instructions.js";
import { at, get, integer, set, simd } from "./emit.js";
import type { TableRows } from "./memory.js";

export interface LookUp {
  readonly rows: TableRows;
  /** Local of the four indices. */
  readonly index: number;
  /** Local of the last index that the tables have, four times. */
  readonly last: number;
  /** Locals that take the elements of each table. */
  readonly columns: readonly number[];
  allocate(): number;
}

/** SHUFFLE[name]: lanes of 32 bits, those of the second operand counted from 4. */
const SHUFFLE = {
  even: [0, 2, 4, 6],
  odd: [1, 3, 5, 7],
  lowLanes: [0, 4, 1, 5],
  highLanes: [2, 6, 3, 7],
  lowHalves: [0, 1, 4, 5],
  highHalves: [2, 3, 6, 7],
} as const;

/** Reads the rows at four indices, of which those out of range count as the last, and transposes them to columns. */
export function lookUp(look: LookUp): number[] {
  const { rows, index, last, columns, allocate } = look;
  const place = allocate();
  const clamped = [...get(index), ...get(last), ...simd(SIMD.minUnsigned)];
  const shift = [...integer(Math.log2(rows.width * 4)), ...simd(SIMD.shiftLeftI32)];
  const code = [...clamped, ...shift, ...set(place)];
  const address = (lane: number) => [...get(place), ...simd(SIMD.extractLaneI32), lane];
  const table = at(rows.address);

  if (rows.width === 1) {
    const [only] = columns as [number];
    code.push(...address(0), ...simd(SIMD.loadZero32), ...table, ...set(only));
    for (const lane of [1, 2, 3]) {
      code.push(...address(lane), ...get(only), ...simd(SIMD.loadLane32), ...table, lane, ...set(only));
    }
    return code;
  }
  if (rows.width === 2) {
    const pair = (first: number): number => {
      const local = allocate();
      code.push(...address(first), ...simd(SIMD.loadZero64), ...table, ...set(local));
      code.push(...address(first + 1), ...get(local), ...simd(SIMD.loadLane64), ...table, 1, ...set(local));
      return local;
    };
    const [low, high] = [pair(0), pair(2)];
    code.push(...shuffled(low, high, "even"), ...set(columns[0]!));
    code.push(...shuffled(low, high, "odd"), ...set(columns[1]!));
    return code;
  }
  const [a, b, c, d] = [0, 1, 2, 3].map((lane) => {
    const local = allocate();
    code.push(...address(lane), ...simd(SIMD.load), ...table, ...set(local));
    return local;
  }) as [number, number, number, number];
  for (const [half, lanes] of (["lowLanes", "highLanes"] as const).entries()) {
    const [first, second] = columns.slice(2 * half, 2 * half + 2);
    if (first === undefined) continue;
    const [left, right] = [allocate(), allocate()];
    code.push(...shuffled(a, b, lanes), ...set(left), ...shuffled(c, d, lanes), ...set(right));
    code.push(...shuffled(left, right, "lowHalves"), ...set(first));
    if (second !== undefined) code.push(...shuffled(left, right, "highHalves"), ...set(second));
  }
  return code;
}

function shuffled(a: number, b: number, name: keyof typeof SHUFFLE): number[] {
  const bytes = SHUFFLE[name].flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]);
  return [...get(a), ...get(b), ...simd(SIMD.shuffle), ...bytes];
}

import { copyPixels } from "../pixel-pool.js";
import type { Taps } from "../resize-taps.js";
import { addressOf, openWorkspace, type Workspace } from "./instance.js";
import { eightsOf } from "./resize-eights.js";

/** Bytes of [i32 offset, i32 pairs, i32 offset of weights] and of [high0, high1, low0, low1] in int16. */
const TAP_BYTES = 12;
const PAIR_BYTES = 8;
const LOW_BITS = 12;
/** A kernel may read or write a vector beyond the end. */
const SLACK = 32;

/**
 * Rows first, then columns; a pass without taps is left out (both are never). Undefined where kernels cannot run.
 * data: RGB, [height, width, 3]; what lies in the kernels' memory is not copied.
 */
export function resizeInKernels(
  { data, width, height }: { readonly data: Uint8Array; readonly width: number; readonly height: number },
  rows: Taps | undefined,
  columns: Taps | undefined,
): Uint8Array | undefined {
  const newWidth = rows?.first.length ?? width;
  const newHeight = columns?.first.length ?? height;
  const stride = newWidth * 3;
  const eights = rows && eightsOf(rows);
  const sourceBytes = data.length + (rows === undefined ? stride : 0) + (eights?.reach ?? 0) + SLACK;
  const own = addressOf(data);
  const workspace = openWorkspace(
    [
      own === undefined ? sourceBytes : 0,
      ...(eights === undefined ? [tapsBytes(rows), weightsBytes(rows)] : [eights.table.length, 0]),
      ...[tapsBytes(columns), weightsBytes(columns)],
      rows === undefined || columns === undefined ? 0 : height * stride + stride + SLACK,
      newHeight * stride + SLACK,
    ],
    own && own + sourceBytes,
  );
  if (workspace === undefined) return undefined;
  const { kernels, bytes, addresses } = workspace;
  const [room, rowTaps, rowWeights, columnTaps, columnWeights, middle, target] = addresses as [
    ...[number, number, number, number, number],
    ...[number, number],
  ];
  const source = own ?? room;
  if (own === undefined) bytes.set(data, source);
  if (rows !== undefined) {
    const to = columns === undefined ? target : middle;
    if (eights !== undefined) {
      bytes.set(eights.table, rowTaps);
      kernels.resizeRowsByEights(source, width * 3, height, to, stride, rowTaps, eights.pairs);
    } else {
      writeTaps(workspace, rows, rowTaps, rowWeights, 3);
      kernels.resizeRows(source, width * 3, height, to, newWidth, rowTaps, rowWeights);
    }
  }
  if (columns !== undefined) {
    writeTaps(workspace, columns, columnTaps, columnWeights, stride);
    const from = rows === undefined ? source : middle;
    kernels.resizeColumns(from, stride, target, newHeight, columnTaps, columnWeights);
  }
  return copyPixels(bytes.subarray(target, target + newHeight * stride));
}
const pairsOf = (count: number) => Math.max(1, Math.ceil(count / 2));
const tapsBytes = (taps: Taps | undefined) => (taps?.first.length ?? 0) * TAP_BYTES;
const weightsBytes = (taps: Taps | undefined) =>
  taps === undefined ? 0 : taps.first.length * pairsOf(taps.width) * PAIR_BYTES;

/** step: bytes from a tap to the next. */
function writeTaps({ bytes }: Workspace, taps: Taps, at: number, weightsAt: number, step: number): void {
  const { first, count, weights, width } = taps;
  const pairs = pairsOf(width);
  const positions = new Int32Array(bytes.buffer, at, first.length * 3);
  const halves = new Int16Array(bytes.buffer, weightsAt, first.length * pairs * 4).fill(0);
  for (let i = 0; i < first.length; i++) {
    positions[3 * i] = first[i]! * step;
    positions[3 * i + 1] = pairsOf(count[i]!);
    positions[3 * i + 2] = i * pairs * PAIR_BYTES;
    for (let tap = 0; tap < count[i]!; tap++) {
      const weight = weights[i * width + tap]!;
      const to = (i * pairs + (tap >> 1)) * 4 + (tap & 1);
      halves[to] = weight >> LOW_BITS;
      halves[to + 2] = weight & ((1 << LOW_BITS) - 1);
    }
  }
}

import {
  acCoefficients,
  damaged,
  dcDifference,
  endOfBlockRun,
  isSegmentRead,
  length,
  nextBit,
  openSegment,
  position,
  refineAcCoefficients,
  skipBlocks,
} from "./entropy";

/*
 * A scan as the caller describes it, int32 each:
 *   0 components  1 progressive  2 first and 3 last coefficient  4 high and 5 low bit  6 MCUs between restarts (0: none)
 *   7 address and 8 end of its bytes  9 address above the place for a segment's copy  10 MCUs a row  11 rows of MCUs
 * and from 12 on, for each component:
 *   0 coefficients  1 masks  2 blocks a row  3 blocks of an MCU across and 4 down  5 DC and 6 AC table  7 left free
 */
function field(scan: usize, index: i32): i32 {
  return load<i32>(scan + ((<usize>index) << 2));
}

const COMPONENTS: usize = 12 * 4;
const COMPONENT_BYTES: usize = 8 * 4;
const PREDICTOR: usize = 7 * 4;
const RST0: i32 = 0xd0;

/** Decodes the scan into its components' coefficients. Returns the address of the marker behind it, 0 if it is damaged. */
export function decodeScan(scan: usize): usize {
  const components = field(scan, 0);
  const isProgressive = field(scan, 1) !== 0;
  const first = field(scan, 2);
  const last = field(scan, 3);
  const isRefinement = field(scan, 4) !== 0;
  const low = field(scan, 5);
  const restartInterval = field(scan, 6);
  const limit = <usize>field(scan, 8);
  const copyTop = <usize>field(scan, 9);
  const across = field(scan, 10);
  const down = field(scan, 11);
  const end = scan + COMPONENTS + <usize>components * COMPONENT_BYTES;

  let next = openSegment(<usize>field(scan, 7), limit, copyTop);
  let untilRestart = restartInterval;
  let restarts = 0;
  resetPredictors(scan, end);
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      if (restartInterval > 0) {
        if (untilRestart === 0) {
          if (!isSegmentRead() || next + 1 >= limit || load<u8>(next, 1) !== RST0 + (restarts & 7)) return 0;
          next = openSegment(next + 2, limit, copyTop);
          restarts++;
          untilRestart = restartInterval;
          resetPredictors(scan, end);
        }
        untilRestart--;
      } else if (first > 0 && !isRefinement) {
        const skipped = skipBlocks(across - x);
        if (skipped > 0) {
          x += skipped - 1;
          continue;
        }
      }
      for (let component = scan + COMPONENTS; component < end; component += COMPONENT_BYTES) {
        const width = field(component, 3);
        const height = field(component, 4);
        for (let row = y * height; row < (y + 1) * height; row++) {
          const start = row * field(component, 2) + x * width;
          for (let index = start; index < start + width; index++) {
            decodeBlock(component, index, first, last, low, isRefinement);
            // only progressive files have runs of blocks
            if (damaged || position > length || (endOfBlockRun > 0 && !isProgressive)) return 0;
          }
        }
      }
    }
  }
  return isSegmentRead() ? next : 0;
}

function resetPredictors(scan: usize, end: usize): void {
  for (let component = scan + COMPONENTS; component < end; component += COMPONENT_BYTES) {
    store<i32>(component, 0, PREDICTOR);
  }
}

/** Block `index` of a component in a scan of the coefficients first .. last, down to bit `low`. */
function decodeBlock(component: usize, index: i32, first: i32, last: i32, low: i32, isRefinement: bool): void {
  const block = <usize>field(component, 0) + ((<usize>index) << 7);
  if (first === 0) {
    if (isRefinement) {
      store<i16>(block, load<i16>(block) | (nextBit() << low));
      return;
    }
    const value = load<i32>(component, PREDICTOR) + dcDifference(<usize>field(component, 5));
    store<i32>(component, value, PREDICTOR);
    store<i16>(block, value << low);
    if (last === 0) return;
    first = 1;
  }
  const mask = <usize>field(component, 1) + ((<usize>index) << 3);
  const table = <usize>field(component, 6);
  if (isRefinement) refineAcCoefficients(block, mask, table, first, last, low);
  else acCoefficients(block, mask, table, first, last, low);
}

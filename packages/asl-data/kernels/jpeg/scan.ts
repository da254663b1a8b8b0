import { acBlocks, dcDifference, endOfBlockRun, setEndOfBlockRun } from "./coefficients";
import { refineBlocks } from "./refinement";
import { isSegmentRead, isWithin, nextBit, openSegment } from "./segment";

/*
 * A scan as the caller describes it, int32 each:
 *   0 components  1 first and 2 last coefficient  3 high and 4 low bit  5 MCUs between restarts (0: none)
 *   6 address and 7 end of its bytes  8 address above the place for a segment's copy  9 MCUs a row  10 rows of MCUs
 * and from 11 on, for each component:
 *   0 coefficients  1 masks  2 blocks a row  3 blocks of an MCU across and 4 down  5 DC and 6 AC table  7 left free
 */
function field(scan: usize, index: i32): i32 {
  return load<i32>(scan + ((<usize>index) << 2));
}

const COMPONENTS: usize = 11 * 4;
const COMPONENT_BYTES: usize = 8 * 4;
const PREDICTOR: usize = 7 * 4;
const RST0: i32 = 0xd0;

/** Decodes the scan into its components' coefficients. Returns the address of the marker behind it, 0 if it is damaged. */
export function decodeScan(scan: usize): usize {
  const restartInterval = field(scan, 5);
  const limit = <usize>field(scan, 7);
  const copyTop = <usize>field(scan, 8);
  const across = field(scan, 9);
  const down = field(scan, 10);
  const isOfBlocks = field(scan, 0) === 1 && field(scan, 1) > 0;

  let next = open(scan, <usize>field(scan, 6), limit, copyTop);
  let untilRestart = restartInterval > 0 ? restartInterval : i32.MAX_VALUE;
  let restarts = 0;
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; ) {
      if (untilRestart === 0) {
        if (!isSegmentRead() || next + 1 >= limit || load<u8>(next, 1) !== RST0 + (restarts & 7)) return 0;
        next = open(scan, next + 2, limit, copyTop);
        restarts++;
        untilRestart = restartInterval;
      }
      const count = min(across - x, untilRestart);
      if (!(isOfBlocks ? decodeBlocks(scan, x, y, count) : decodeMcus(scan, x, y, count))) return 0;
      x += count;
      untilRestart -= count;
    }
  }
  return isSegmentRead() ? next : 0;
}

/** Opens a segment; predictions and runs of blocks begin anew (F.2.1.3.1, G.1.2.2). */
function open(scan: usize, from: usize, limit: usize, copyTop: usize): usize {
  setEndOfBlockRun(0);
  const end = endOfComponents(scan);
  for (let component = scan + COMPONENTS; component < end; component += COMPONENT_BYTES) {
    store<i32>(component, 0, PREDICTOR);
  }
  return openSegment(from, limit, copyTop);
}

function endOfComponents(scan: usize): usize {
  return scan + COMPONENTS + <usize>field(scan, 0) * COMPONENT_BYTES;
}

/** `count` blocks of row y from x on, without their DC, in a progressive scan. False if they are damaged. */
function decodeBlocks(scan: usize, x: i32, y: i32, count: i32): bool {
  const component = scan + COMPONENTS;
  const index = <usize>(y * field(component, 2) + x);
  const block = <usize>field(component, 0) + (index << 7);
  const mask = <usize>field(component, 1) + (index << 3);
  const table = <usize>field(component, 6);
  const first = field(scan, 1);
  const last = field(scan, 2);
  const low = field(scan, 4);
  if (field(scan, 3) !== 0) return refineBlocks(block, mask, count, table, first, last, low);
  return acBlocks(block, mask, count, table, first, last, low);
}

/** `count` MCUs of row y from x on. False if they are damaged. */
function decodeMcus(scan: usize, x: i32, y: i32, count: i32): bool {
  const last = field(scan, 2);
  const low = field(scan, 4);
  const isRefinement = field(scan, 3) !== 0;
  const end = endOfComponents(scan);
  for (const xEnd = x + count; x < xEnd; x++) {
    for (let component = scan + COMPONENTS; component < end; component += COMPONENT_BYTES) {
      const width = field(component, 3);
      const height = field(component, 4);
      for (let row = y * height; row < (y + 1) * height; row++) {
        const start = row * field(component, 2) + x * width;
        for (let index = start; index < start + width; index++) {
          if (!decodeBlock(component, index, last, low, isRefinement)) return false;
        }
      }
    }
  }
  return true;
}

/** The DC of block `index`, down to bit `low`, and in a sequential scan its other coefficients up to `last`. */
function decodeBlock(component: usize, index: i32, last: i32, low: i32, isRefinement: bool): bool {
  const block = <usize>field(component, 0) + ((<usize>index) << 7);
  if (isRefinement) {
    store<i16>(block, load<i16>(block) | (nextBit() << low));
    return isWithin();
  }
  const value = load<i32>(component, PREDICTOR) + dcDifference(<usize>field(component, 5));
  store<i32>(component, value, PREDICTOR);
  store<i16>(block, value << low);
  if (!isWithin()) return false;
  if (last === 0) return true;
  const mask = <usize>field(component, 1) + ((<usize>index) << 3);
  // runs of blocks are of progressive scans, which have none with DC
  return acBlocks(block, mask, 1, <usize>field(component, 6), 1, last, low) && endOfBlockRun === 0;
}

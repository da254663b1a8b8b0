import { type KernelExports, openWorkspace } from "../kernels/instance.js";
import type { Picture } from "../picture.js";
import { copyPixels } from "../pixel-pool.js";
import { type JpegFile, parseJpeg } from "./file.js";
import { type BlockGrid, type Grids, gridsOf, mcusOf } from "./grid.js";

const BLOCK_BYTES = 64 * 2;
const MASK_BYTES = 8;
/** int32 words of a scan's description and of each of its components, as kernels/jpeg/scan.ts reads them. */
const SCAN_WORDS = 11;
const COMPONENT_WORDS = 8;
/** Of a table of kernels/jpeg/huffman.ts. */
const TABLE_BYTES = 4 * 1024 + 2 * 4 * 17 + 256;
const TABLES = 8;
/** What a damaged block may read beyond its segment. */
const GUARD_BYTES = 1024;
const SLACK = 64;

/** Where a component's data lie in the kernels' memory. */
interface Place {
  readonly grid: BlockGrid;
  readonly coefficients: number;
  readonly masks: number;
  readonly quantization: number;
  readonly plane: number;
}

/**
 * Decodes what parseJpeg takes, to the bytes of libjpeg's default settings (accurate integer DCT, triangle-filtered
 * chroma). Undefined for other files, for damaged ones and for contrasts that no encoder makes, for more than `maxPixels`,
 * and where kernels cannot run.
 */
export function decodeJpeg(bytes: Uint8Array, maxPixels: number): Picture | undefined {
  const picture = decodeJpegInPlace(bytes, maxPixels);
  return picture && { ...picture, data: copyPixels(picture.data) };
}

/** The same in the kernels' memory: the pixels are there until a workspace is opened. */
export function decodeJpegInPlace(bytes: Uint8Array, maxPixels: number): Picture | undefined {
  const file = parseJpeg(bytes);
  if (file === undefined || file.width * file.height > maxPixels) return undefined;
  const { width, height, components } = file;
  const grids = gridsOf(file);
  const blocks = grids.components.reduce((sum, { across, down }) => sum + across * down, 0);
  const targetBytes = width * height * 3;
  const workspace = openWorkspace([
    bytes.length + SLACK,
    GUARD_BYTES + bytes.length + SLACK,
    4 * (SCAN_WORDS + components.length * COMPONENT_WORDS),
    TABLES * TABLE_BYTES,
    components.length * BLOCK_BYTES,
    blocks * (BLOCK_BYTES + MASK_BYTES),
    blocks * 64 + SLACK,
    2 * (4 * width + 192),
    targetBytes + SLACK,
  ]);
  if (workspace === undefined) return undefined;
  const { kernels, bytes: memory, addresses } = workspace;
  const [source, copy, scan, tables, quantization, coefficients, planes, rows, target] = addresses as [
    ...[number, number, number],
    ...[number, number, number],
    ...[number, number, number],
  ];
  memory.set(bytes, source);
  memory.fill(0, coefficients, coefficients + blocks * (BLOCK_BYTES + MASK_BYTES));
  let before = 0;
  const places = grids.components.map((grid, i): Place => {
    const place = {
      grid,
      coefficients: coefficients + before * BLOCK_BYTES,
      masks: coefficients + blocks * BLOCK_BYTES + before * MASK_BYTES,
      quantization: quantization + i * BLOCK_BYTES,
      plane: planes + before * 64,
    };
    new Int16Array(memory.buffer, place.quantization, 64).set(grid.component.quantization);
    before += grid.across * grid.down;
    return place;
  });
  const copyTop = copy + GUARD_BYTES + bytes.length + SLACK;
  const at = { memory, source, limit: source + bytes.length, copyTop, scan, tables };
  if (!decodeScans(kernels, file, grids, places, at)) return undefined;
  if (!writeRgb(kernels, file, places, rows, target)) return undefined;
  return { width, height, data: memory.subarray(target, target + targetBytes) };
}

interface ScanMemory {
  readonly memory: Uint8Array<ArrayBuffer>;
  readonly source: number;
  readonly limit: number;
  readonly copyTop: number;
  readonly scan: number;
  readonly tables: number;
}

/** All scans into the coefficients; false as soon as one is damaged. */
function decodeScans(
  kernels: KernelExports,
  file: JpegFile,
  grids: Grids,
  places: readonly Place[],
  at: ScanMemory,
): boolean {
  const built = new Map<number, number>();
  /** Address of the table at an offset of the file, made when it is first asked for; 0 where none is needed. */
  const tableAt = (offset: number, largest: number): number => {
    if (offset < 0) return 0;
    const address = built.get(offset) ?? at.tables + built.size * TABLE_BYTES;
    if (!built.has(offset) && !kernels.buildHuffman(at.source + offset, largest, address)) return Number.NaN;
    built.set(offset, address);
    return address;
  };
  const words = new Int32Array(at.memory.buffer, at.scan, SCAN_WORDS + places.length * COMPONENT_WORDS);
  for (const scan of file.scans) {
    const { components, first, last, high, low, restartInterval } = scan;
    if (built.size + 2 * components.length > TABLES) built.clear();
    const [mcusAcross, mcusDown] = mcusOf(scan, grids);
    words.set([components.length, first, last, high, low, restartInterval]);
    words.set([at.source + scan.begin, at.limit, at.copyTop, mcusAcross, mcusDown], 6);
    for (let i = 0; i < components.length; i++) {
      const { index, dc, ac } = components[i]!;
      const { grid, coefficients, masks } = places[index]!;
      const { across, down } = components.length === 1 ? { across: 1, down: 1 } : grid.component;
      const [dcTable, acTable] = [tableAt(dc, 15), tableAt(ac, 255)];
      if (Number.isNaN(dcTable + acTable)) return false;
      words.set(
        [coefficients, masks, grid.across, across, down, dcTable, acTable, 0],
        SCAN_WORDS + i * COMPONENT_WORDS,
      );
    }
    if (kernels.decodeScan(at.scan) !== at.source + scan.end) return false;
  }
  return true;
}

/** Inverse DCT, upsampling and colour; false where the DCT of a block would leave 16 bits. */
function writeRgb(
  kernels: KernelExports,
  { width, height }: JpegFile,
  places: readonly Place[],
  rows: number,
  target: number,
): boolean {
  for (const { grid, coefficients, masks, quantization, plane } of places) {
    const { across, down } = grid;
    if (!kernels.reconstruct(coefficients, masks, quantization, across, down, plane, across * 8)) return false;
  }
  const [luma, blue, red] = places as [Place, Place | undefined, Place | undefined];
  const lumaStride = luma.grid.across * 8;
  if (blue === undefined || red === undefined) {
    kernels.planeToRgb(luma.plane, lumaStride, target, width, height);
    return true;
  }
  const { across, down } = luma.grid.component;
  const halves = (across === 2 ? 1 : 0) + (down === 2 ? 2 : 0);
  const chroma = blue.grid;
  kernels.planesToRgb(
    ...([luma.plane, lumaStride, blue.plane, red.plane] as const),
    ...([chroma.across * 8, chroma.width, chroma.height, halves] as const),
    ...([rows, target, width, height] as const),
  );
  return true;
}

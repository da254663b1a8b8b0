import { KERNELS_BASE64 } from "./binary.js";

/** What kernels/ exports; all arguments are addresses and sizes in bytes unless they say otherwise. */
export interface KernelExports {
  readonly memory: WebAssembly.Memory;
  heapBase(): number;
  resizeRows(
    source: number,
    stride: number,
    height: number,
    target: number,
    width: number,
    taps: number,
    weights: number,
  ): void;
  /** pairs: of taps, the same for all pixels. */
  resizeRowsByEights(
    source: number,
    stride: number,
    height: number,
    target: number,
    rowBytes: number,
    eights: number,
    pairs: number,
  ): void;
  resizeColumns(source: number, stride: number, target: number, height: number, taps: number, weights: number): void;
  /** kernels/jpeg: 1 for a sound table. */
  buildHuffman(counts: number, largest: number, table: number): number;
  /** Address of the marker behind the scan, 0 for a damaged one. */
  decodeScan(scan: number): number;
  /** 1; 0 where a block is beyond what versions of libjpeg agree about. */
  reconstruct(
    coefficients: number,
    masks: number,
    quantization: number,
    across: number,
    down: number,
    target: number,
    stride: number,
  ): number;
  planesToRgb(
    luma: number,
    lumaStride: number,
    blue: number,
    red: number,
    chromaStride: number,
    chromaWidth: number,
    chromaRows: number,
    halves: number,
    scratch: number,
    target: number,
    width: number,
    height: number,
  ): void;
  planeToRgb(luma: number, stride: number, target: number, width: number, height: number): void;
  mapBytes(source: number, count: number, table: number, target: number): void;
  mapChannels(source: number, pixels: number, tables: number, target: number): void;
  countValues(source: number, pixels: number, counts: number): void;
  sumGrey(source: number, pixels: number): number;
  adjustSaturation(source: number, pixels: number, factor: number, target: number): void;
  adjustSharpness(source: number, stride: number, height: number, factor: number, target: number): void;
  mapNearest(
    source: number,
    width: number,
    height: number,
    target: number,
    fill: number,
    xStart: number,
    xStep: number,
    xRowStep: number,
    yStart: number,
    yStep: number,
    yRowStep: number,
  ): void;
  mirrorRows(source: number, width: number, height: number, target: number): void;
  toPlanes(source: number, pixels: number, target: number): void;
}

/** The kernels and, for each size asked for, the address of that many bytes. */
export interface Workspace {
  readonly kernels: KernelExports;
  /** The memory as it is until the next workspace is opened. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly addresses: readonly number[];
}

/** Memory of WebAssembly never shrinks, so pictures that need more are left to JavaScript. */
const MOST_BYTES = 2 ** 28;
const PAGE_BYTES = 2 ** 16;
const ALIGNMENT = 16;

let instance: KernelExports | undefined | "none";

/**
 * Room for `sizes` in the memory of this thread's kernels, from the address `begin` on (else from the first that is free);
 * whatever an earlier workspace held there is lost. Undefined where
 * there is no WebAssembly SIMD (or a page's policy forbids it), too much is asked for, or the system has no more memory:
 * JavaScript (for a JPEG file, sharp) does the work then, with memory that it gives back.
 */
export function openWorkspace(sizes: readonly number[], begin?: number): Workspace | undefined {
  const kernels = loadKernels();
  if (kernels === undefined) return undefined;
  const addresses: number[] = [];
  let end = align(begin ?? kernels.heapBase());
  for (const size of sizes) {
    addresses.push(end);
    end = align(end + size);
  }
  if (!(end <= MOST_BYTES)) return undefined;
  const { memory } = kernels;
  const missing = end - memory.buffer.byteLength;
  if (missing > 0 && !grows(memory, Math.ceil(missing / PAGE_BYTES))) return undefined;
  return { kernels, bytes: new Uint8Array(memory.buffer), addresses };
}

/** Where these bytes lie if it is in the memory of this thread's kernels. */
export function addressOf(data: Uint8Array): number | undefined {
  const kernels = loadKernels();
  return data.buffer === kernels?.memory.buffer ? data.byteOffset : undefined;
}

const align = (address: number) => Math.ceil(address / ALIGNMENT) * ALIGNMENT;

function loadKernels(): KernelExports | undefined {
  if (instance === undefined) instance = instantiate() ?? "none";
  return instance === "none" ? undefined : instance;
}

/** False where the system has no such memory. */
function grows(memory: WebAssembly.Memory, pages: number): boolean {
  try {
    memory.grow(pages);
    return true;
  } catch (thrown) {
    if (thrown instanceof RangeError) return false;
    throw thrown;
  }
}

function instantiate(): KernelExports | undefined {
  // an engine without a compiler (node --jitless)
  if (typeof WebAssembly === "undefined") return undefined;
  const code = Uint8Array.from(atob(KERNELS_BASE64), (character) => character.charCodeAt(0));
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(code)).exports as unknown as KernelExports;
  } catch (thrown) {
    if (cannotRun(thrown)) return undefined;
    throw thrown;
  }
}

/** No SIMD, or a page's policy (an EvalError in Safari); no memory for the instance. */
const cannotRun = (thrown: unknown) =>
  thrown instanceof WebAssembly.CompileError || thrown instanceof EvalError || thrown instanceof RangeError;

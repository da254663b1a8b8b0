import { copyPixels } from "../pixel-pool.js";
import { type KernelExports, openWorkspace } from "./instance.js";

/* The loops of kernels/augment.ts. All give undefined where kernels cannot run. RGB bytes in, new ones out. */

/** A kernel may read or write beyond the end. */
const SLACK = 64;

interface Room {
  readonly kernels: KernelExports;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly source: number;
  readonly target: number;
  readonly extra: number;
}

/** The source's bytes lie at `source`; what the kernel leaves at `target` is the result. */
function run(data: Uint8Array, extraBytes: number, work: (room: Room) => void): Uint8Array | undefined {
  const workspace = openWorkspace([extraBytes, data.length + SLACK, data.length + SLACK]);
  if (workspace === undefined) return undefined;
  const { kernels, bytes, addresses } = workspace;
  const [extra, source, target] = addresses as [number, number, number];
  bytes.set(data, source);
  work({ kernels, bytes, source, target, extra });
  return copyPixels(bytes.subarray(target, target + data.length));
}

/** table: u8[256]. */
export function mapBytes(data: Uint8Array, table: Uint8Array): Uint8Array | undefined {
  return run(data, 256, ({ kernels, bytes, source, target, extra }) => {
    bytes.set(table, extra);
    kernels.mapBytes(source, data.length, extra, target);
  });
}

/** A table for each channel. */
export function mapChannels(data: Uint8Array, tables: readonly Uint8Array[]): Uint8Array | undefined {
  return run(data, 768, ({ kernels, bytes, source, target, extra }) => {
    tables.forEach((table, channel) => {
      bytes.set(table, extra + 256 * channel);
    });
    kernels.mapChannels(source, data.length / 3, extra, target);
  });
}

/** How often each value occurs, [3][256]. */
export function countValues(data: Uint8Array): readonly [Uint32Array, Uint32Array, Uint32Array] | undefined {
  const workspace = openWorkspace([3 * 1024, data.length + SLACK]);
  if (workspace === undefined) return undefined;
  const { kernels, bytes, addresses } = workspace;
  const [counts, source] = addresses as [number, number];
  bytes.set(data, source);
  bytes.fill(0, counts, counts + 3 * 1024);
  kernels.countValues(source, data.length / 3, counts);
  const channel = (index: number) => new Uint32Array(bytes.buffer, counts + 1024 * index, 256).slice();
  return [channel(0), channel(1), channel(2)];
}

/** The sum of the grey values of all whole fours of pixels. */
export function sumGrey(data: Uint8Array): number | undefined {
  const workspace = openWorkspace([data.length + SLACK]);
  if (workspace === undefined) return undefined;
  const [source] = workspace.addresses as [number];
  workspace.bytes.set(data, source);
  return workspace.kernels.sumGrey(source, data.length / 3);
}

export function adjustSaturation(data: Uint8Array, factor: number): Uint8Array | undefined {
  return run(data, 0, ({ kernels, source, target }) =>
    kernels.adjustSaturation(source, data.length / 3, factor, target),
  );
}

/** stride: bytes of a row. */
export function sharpen(data: Uint8Array, stride: number, factor: number): Uint8Array | undefined {
  return run(data, 0, ({ kernels, bytes, source, target }) => {
    bytes.copyWithin(target, source, source + data.length);
    kernels.adjustSharpness(source, stride, data.length / stride, factor, target);
  });
}

/** steps: start, step along x and along y, of x and then of y, in 16.16 fixed point. */
export function mapNearest(
  data: Uint8Array,
  width: number,
  [red, green, blue]: readonly [number, number, number],
  steps: readonly [number, number, number, number, number, number],
): Uint8Array | undefined {
  const fill = red | (green << 8) | (blue << 16);
  return run(data, 0, ({ kernels, source, target }) =>
    kernels.mapNearest(source, width, data.length / (3 * width), target, fill, ...steps),
  );
}

export function mirrorRows(data: Uint8Array, width: number): Uint8Array | undefined {
  return run(data, 0, ({ kernels, source, target }) =>
    kernels.mirrorRows(source, width, data.length / (3 * width), target),
  );
}

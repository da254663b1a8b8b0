import { openWorkspace } from "./instance.js";

/** Pixels at a time: what is read and written stays in the first caches. */
const CHUNK = 4096;

/** RGB bytes to f32[3, pixels] / 255 at `target[offset ...]`. False where kernels cannot run. */
export function toTensorInKernels(data: Uint8Array, target: Float32Array, offset: number): boolean {
  const pixels = data.length / 3;
  const workspace = openWorkspace([CHUNK * 3 + 32, CHUNK * 12]);
  if (workspace === undefined) return false;
  const { kernels, bytes, addresses } = workspace;
  const [source, planes] = addresses as [number, number];
  const floats = new Float32Array(bytes.buffer, planes, CHUNK * 3);
  for (let first = 0; first < pixels; first += CHUNK) {
    const count = Math.min(CHUNK, pixels - first);
    bytes.set(data.subarray(first * 3, (first + count) * 3), source);
    kernels.toPlanes(source, count, planes);
    const plane = Math.ceil(count / 4) * 4;
    for (let channel = 0; channel < 3; channel++) {
      const from = channel * plane;
      target.set(floats.subarray(from, from + count), offset + channel * pixels + first);
    }
  }
  return true;
}

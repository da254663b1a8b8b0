export {
  adjustSaturation,
  adjustSharpness,
  countValues,
  mapBytes,
  mapChannels,
  mapNearest,
  mirrorRows,
  sumGrey,
} from "./augment";
export * from "./jpeg/index";
export { resizeColumns, resizeRows, resizeRowsByEights } from "./resize";
export { toPlanes } from "./tensor";

/** Where the memory that belongs to nobody begins. */
export function heapBase(): usize {
  return __heap_base;
}

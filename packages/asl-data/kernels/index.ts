export * from "./resize";
export * from "./tensor";

/** Where the memory that belongs to nobody begins. */
export function heapBase(): usize {
  return __heap_base;
}

import type { Dataset } from "asl-data";

/** So few pictures are prepared in the calling thread: starting threads would take longer. */
const FEW = 16;

/** Options of a loader of `items`. */
export const fewInThisThread = ({ items }: Pick<Dataset, "items">): { readonly workers?: number } =>
  items.length <= FEW ? { workers: 0 } : {};

import { createRandom } from "asl-core";

/** The order in which an epoch visits the items: a function of the seed and the epoch alone. */
export function epochOrder(itemCount: number, shuffle: { readonly seed: number } | false, epoch: number): Uint32Array {
  const order = Uint32Array.from({ length: itemCount }, (_, index) => index);
  if (shuffle !== false) createRandom(shuffle.seed, "shuffle", epoch).shuffle(order);
  return order;
}

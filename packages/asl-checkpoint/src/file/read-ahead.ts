/** Node reads files with four threads: what waits in line keeps them busy while this one does something else. */
const AT_A_TIME = 16;

/**
 * What `read` gives for each item, in their order, while the next ones are being read: the system copies a file into new
 * memory on several cores, and what is done with an item meanwhile costs no time of its own. A failure is told when its
 * turn comes; none that is on its way is left behind then.
 */
export async function* readAhead<Item, Result>(
  items: readonly Item[],
  read: (item: Item) => Promise<Result>,
  atATime = AT_A_TIME,
): AsyncGenerator<readonly [Item, Result]> {
  const underWay: Promise<Result>[] = [];
  let next = 0;
  const start = () => {
    if (next === items.length) return;
    const result = read(items[next++]!);
    // told below
    result.catch(() => undefined);
    underWay.push(result);
  };
  for (let i = 0; i < Math.min(atATime, items.length); i++) start();
  try {
    for (const item of items) {
      const result = await underWay[0]!;
      underWay.shift();
      start();
      yield [item, result];
    }
  } finally {
    await Promise.allSettled(underWay);
  }
}

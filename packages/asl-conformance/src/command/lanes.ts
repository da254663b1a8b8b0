/** Shows how far a lane is. */
export type Say = (text: string) => void;

/**
 * Does a job for every item: within a lane `widthOf(lane)` at a time, the lanes side by side; results in the order of the
 * items. After an error no lane begins another item, and the first, in time, is thrown once all have stopped.
 */
export async function inLanes<T, R, L extends string>(
  items: readonly T[],
  { laneOf, widthOf }: { readonly laneOf: (item: T) => L; readonly widthOf: (lane: L) => number },
  job: (item: T, say: Say) => Promise<R>,
  progress: Say,
): Promise<readonly R[]> {
  const results = new Map<T, R>();
  const said = new Map<string, string>();
  let failure: { readonly error: unknown } | undefined;
  const walk = async (waiting: T[], walker: string) => {
    const say: Say = (text) => {
      said.set(walker, text);
      progress([...said.values()].join("   "));
    };
    while (failure === undefined && waiting.length > 0) {
      const item = waiting.shift() as T;
      try {
        results.set(item, await job(item, say));
      } catch (error) {
        failure ??= { error };
      }
    }
    said.delete(walker);
  };
  const walks = [...new Set(items.map(laneOf))].flatMap((lane) => {
    const waiting = items.filter((item) => laneOf(item) === lane);
    return Array.from({ length: widthOf(lane) }, (_, i) => walk(waiting, `${lane} ${i}`));
  });
  await Promise.all(walks);
  if (failure !== undefined) throw failure.error;
  return items.map((item) => results.get(item) as R);
}

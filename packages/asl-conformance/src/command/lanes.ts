/** Shows how far a lane is. */
export type Say = (text: string) => void;

/**
 * Does a job for every item: within a lane one after another, the lanes side by side; results in the order of the items.
 * After an error no lane begins another item, and the first error is thrown once all have stopped.
 */
export async function inLanes<T, R>(
  items: readonly T[],
  laneOf: (item: T) => string,
  job: (item: T, say: Say) => Promise<R>,
  progress: Say,
): Promise<readonly R[]> {
  const results = new Map<T, R>();
  const said = new Map<string, string>();
  let failed = false;
  const walk = async (lane: string) => {
    const say: Say = (text) => {
      said.set(lane, text);
      progress([...said.values()].join("   "));
    };
    for (const item of items) {
      if (failed || laneOf(item) !== lane) continue;
      try {
        results.set(item, await job(item, say));
      } catch (error) {
        failed = true;
        throw error;
      }
    }
    said.delete(lane);
  };
  const ends = await Promise.allSettled([...new Set(items.map(laneOf))].map(walk));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return items.map((item) => results.get(item) as R);
}

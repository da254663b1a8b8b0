import { describe, expect, it } from "vitest";
import { readAhead } from "../src/file/read-ahead.js";

/** Reads that end when told, in any order. */
function controlled() {
  const started: number[] = [];
  const ends = new Map<number, { resolve(value: string): void; reject(error: Error): void }>();
  const read = (item: number) => {
    started.push(item);
    return new Promise<string>((resolve, reject) => ends.set(item, { resolve, reject }));
  };
  return { started, ends, read };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const ITEMS = [0, 1, 2, 3, 4, 5, 6];

describe("reading ahead", () => {
  it("gives results in order, whichever comes first, with four under way", async () => {
    const { started, ends, read } = controlled();
    const results = readAhead(ITEMS, read, 4);
    const first = results.next();
    await settle();
    expect(started).toEqual([0, 1, 2, 3]);
    for (const item of [3, 1, 0]) ends.get(item)!.resolve(`read ${item}`);
    expect((await first).value).toEqual([0, "read 0"]);
    // one was taken, one more is under way
    expect(started).toEqual([0, 1, 2, 3, 4]);
    for (const item of [2, 4]) ends.get(item)!.resolve(`read ${item}`);
    for (const item of [1, 2, 3, 4]) expect((await results.next()).value).toEqual([item, `read ${item}`]);
    for (const item of [5, 6]) ends.get(item)!.resolve(`read ${item}`);
    for (const item of [5, 6]) expect((await results.next()).value).toEqual([item, `read ${item}`]);
    expect((await results.next()).done).toBe(true);
  });

  it("tells of a failure in its turn, starts nothing more, and waits for what is under way", async () => {
    const { started, ends, read } = controlled();
    const results = readAhead(ITEMS, read, 4);
    const first = results.next();
    await settle();
    ends.get(1)!.reject(new Error("a bad sector"));
    ends.get(0)!.resolve("read 0");
    expect((await first).value).toEqual([0, "read 0"]);
    let isOver = false;
    const failure = results.next().finally(() => {
      isOver = true;
    });
    failure.catch(() => undefined);
    await settle();
    expect(isOver).toBe(false);
    for (const item of [2, 3, 4]) ends.get(item)!.resolve(`read ${item}`);
    await expect(failure).rejects.toThrow("a bad sector");
    expect(started).toEqual([0, 1, 2, 3, 4]);
  });

  it("waits for what is under way when the reader has seen enough", async () => {
    const { ends, read } = controlled();
    const results = readAhead(ITEMS, read, 4);
    const first = results.next();
    await settle();
    ends.get(0)!.resolve("read 0");
    await first;
    let isOver = false;
    const end = results.return(undefined).then(() => {
      isOver = true;
    });
    await settle();
    expect(isOver).toBe(false);
    for (const item of [1, 2, 3, 4]) ends.get(item)!.resolve(`read ${item}`);
    await end;
  });

  it("takes no items, and fewer than are read at a time", async () => {
    const all = async (items: readonly number[]) => {
      const found: unknown[] = [];
      for await (const pair of readAhead(items, async (item) => item * 2)) found.push(pair);
      return found;
    };
    expect(await all([])).toEqual([]);
    expect(await all([1, 2])).toEqual([
      [1, 2],
      [2, 4],
    ]);
  });
});

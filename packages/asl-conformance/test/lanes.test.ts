import { expect, it } from "vitest";
import { inLanes } from "../src/command/lanes.js";

const laneOf = (item: string) => item[0]!;
const ONE_EACH = { laneOf, widthOf: () => 1 };
const ignore = () => undefined;

it("does a lane's items one after another, beside those of other lanes", async () => {
  const running = new Set<string>();
  const together: string[] = [];
  const said: string[] = [];
  const results = await inLanes(
    ["a1", "b1", "a2", "b2"],
    ONE_EACH,
    async (item, say) => {
      expect([...running].map(laneOf)).not.toContain(laneOf(item));
      running.add(item);
      say(item);
      together.push([...running].sort().join("+"));
      await new Promise((resolve) => setTimeout(resolve, 1));
      running.delete(item);
      return item.toUpperCase();
    },
    (text) => said.push(text),
  );
  expect(results).toEqual(["A1", "B1", "A2", "B2"]);
  expect(together).toContain("a1+b1");
  expect(said).toContain("a1   b1");
});

it("begins nothing more after an error, and throws it when all have stopped", async () => {
  const done: string[] = [];
  const job = async (item: string) => {
    if (item === "b1") throw new Error("b1 broke");
    await new Promise((resolve) => setTimeout(resolve, 1));
    done.push(item);
  };
  await expect(inLanes(["a1", "b1", "a2", "b2"], ONE_EACH, job, ignore)).rejects.toThrow("b1 broke");
  expect(done).toEqual(["a1"]);
});

it("throws the error that came first in time, not that of the first lane", async () => {
  const job = async (item: string) => {
    await new Promise((resolve) => setTimeout(resolve, item === "a1" ? 20 : 1));
    throw new Error(`${item} broke`);
  };
  await expect(inLanes(["a1", "b1"], ONE_EACH, job, ignore)).rejects.toThrow("b1 broke");
});

it("does as many of a lane at a time as it is wide", async () => {
  let running = 0;
  let most = 0;
  const job = async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running -= 1;
  };
  await inLanes(["a1", "a2", "a3", "a4", "a5"], { laneOf, widthOf: () => 2 }, job, ignore);
  expect(most).toBe(2);
});

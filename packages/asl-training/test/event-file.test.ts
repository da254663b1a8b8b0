import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EventFile, readEvents, type ScalarEvent } from "../src/index.js";
import { useTemporaryFolder } from "./temporary-folder.js";

const path = useTemporaryFolder();
const event = (step: number): ScalarEvent => ({
  step,
  wallTime: 1700000000.5 + step,
  scalars: { "train/loss": step / 4 },
});

describe("EventFile", () => {
  it("writes TFRecords of Event messages, byte for byte", async () => {
    const log = await EventFile.open(path("events"), () => true);
    const begin = readFileSync(path("events")).length;
    await log.append([event(2)]);
    // made by tensorboard 2.21's own RecordWriter and event_pb2
    expect(readFileSync(path("events")).subarray(begin).toString("hex")).toBe(
      "200000000000000029eda950090000a040fc54d94110022a130a110a0a747261696e2f6c6f7373150000003f2ede2f67",
    );
  });

  it("goes on after an interruption without what is done again, and drops a record that was cut off", async () => {
    const file = path("events");
    const log = await EventFile.open(file, () => true);
    await log.append([event(1), event(2), event(3)]);
    truncateSync(file, readFileSync(file).length - 5);
    expect(readEvents(readFileSync(file))).toEqual([event(1), event(2)]);
    const again = await EventFile.open(file, ({ step }) => step <= 1);
    await again.append([event(2)]);
    expect(readEvents(readFileSync(file))).toEqual([event(1), event(2)]);
  });

  it("notices damage", async () => {
    const file = path("events");
    await (await EventFile.open(file, () => true)).append([event(1), event(2)]);
    const bytes = readFileSync(file);
    bytes[bytes.length - 10]! ^= 1;
    writeFileSync(file, bytes);
    expect(readEvents(readFileSync(file))).toEqual([event(1)]);
  });
});

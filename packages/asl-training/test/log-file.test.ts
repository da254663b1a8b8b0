import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CsvLog } from "../src/csv-log.js";
import { EventFile } from "../src/tracking/event-file.js";
import { useTemporaryFolder } from "./temporary-folder.js";

const inFolder = useTemporaryFolder();

describe("the logs of a run that goes on", () => {
  it("keep what is wanted of them, and grow", async () => {
    const file = inFolder("steps.csv");
    writeFileSync(file, "step,loss\n1,2\n2,1\n3,0.");
    const log = await CsvLog.open(file, ["step", "loss"], ([step]) => Number(step) <= 1);
    await log.append([[2, 0.5]]);
    await log.append([]);
    expect(readFileSync(file, "utf8")).toBe("step,loss\n1,2\n2,0.5\n");
  });

  it("are not replaced by empty ones where they cannot be read", async () => {
    const file = inFolder("log");
    symlinkSync(file, file); // a link to itself: nobody can read it
    for (const opening of [() => CsvLog.open(file, ["step"], () => true), () => EventFile.open(file, () => true)]) {
      await expect(opening()).rejects.toThrow(/log: cannot be read: ELOOP/);
    }
  });

  it("say which of them cannot be written", async () => {
    const log = await CsvLog.open(inFolder("steps.csv"), ["step"], () => true);
    Object.assign(log, { file: inFolder("gone", "steps.csv") });
    await expect(log.append([[1]])).rejects.toThrow(/gone.*steps\.csv: cannot be written: ENOENT/);
  });
});

import { mkdtempSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Reporter } from "asl-cli";
import { expect, it } from "vitest";
import { writeRunReport } from "../src/run-report.js";

it("a report that cannot be written is a warning that names the file: the run is saved already", async () => {
  const folder = mkdtempSync(join(tmpdir(), "asl-train-report-"));
  try {
    await mkdir(join(folder, "report.html", "in-the-way"), { recursive: true });
    const warnings: string[] = [];
    await writeRunReport(folder, undefined, { warn: (line: string) => warnings.push(line) } as unknown as Reporter);
    expect(warnings).toEqual([expect.stringMatching(/report\.html: the report could not be made: /)]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

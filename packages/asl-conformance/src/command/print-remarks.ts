import type { Output } from "./output.js";
import { deviationsOf, type Family, failuresOf } from "./remarks.js";

/**
 * Failures, each with the command that shows it alone, and declared deviations. `replay` is what names a run on the
 * command line.
 */
export function printRemarks(family: Family, replay: ReadonlyMap<string, string>, output: Output): void {
  const failures = failuresOf(family).map(({ title, detail, isCase, names: [first, ...others] }) => {
    const command = ["asl-conformance", replay.get(first) ?? "", "--case", title].filter((word) => word !== "");
    return [
      `FAILED ${first}: ${title}: ${detail}`,
      ...(isCase ? [command.join(" ")] : []),
      // they differ in the command only
      ...(others.length > 0 ? [`and ${others.length} more configurations of ${family.name}`] : []),
    ].join("\n       ");
  });
  const deviations = deviationsOf(family).map(
    ({ case: name, reason }) => `${family.name} deviates: ${name} (${reason})`,
  );
  for (const line of [...failures, ...deviations]) output.print(line);
  if (failures.length + deviations.length > 0) output.print("");
}

// Preloaded into `infer` by bench cold-start: when the process ends, writes what its user timing says to descriptor 3.
import { writeSync } from "node:fs";
import { performance } from "node:perf_hooks";

process.on("exit", () => {
  const own = performance.getEntries().filter(({ name }) => name.startsWith("asl:"));
  const phases = own.map(({ name, startTime, duration }) => ({ name: name.slice(4), start: startTime, duration }));
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const bootstrap = performance.nodeTiming.bootstrapComplete;
  writeSync(3, JSON.stringify({ phases, bootstrap, end: performance.now(), maxRSS, cpu: userCPUTime + systemCPUTime }));
});

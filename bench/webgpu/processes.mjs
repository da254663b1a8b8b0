import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks a second in /proc, the same on all Linux systems. */
const TICKS = 100;

/** Processor seconds of this process and all that it has started, or undefined where there is no /proc. */
export function processorSeconds() {
  const processes = new Map();
  try {
    for (const id of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const fields = statOf(id);
      if (fields !== undefined)
        processes.set(id, { parent: fields[1], ticks: Number(fields[11]) + Number(fields[12]) });
    }
  } catch {
    return undefined;
  }
  const isOurs = (id) => id === `${process.pid}` || (processes.has(id) && isOurs(processes.get(id).parent));
  let ticks = 0;
  for (const [id, each] of processes) if (isOurs(id)) ticks += each.ticks;
  return ticks / TICKS;
}

/** Fields behind the command's name; undefined for a process that has just ended. */
function statOf(id) {
  try {
    const text = readFileSync(`/proc/${id}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/** Runs `work` and notes when and how long in the process's user timing, as `asl:PHASE`; for what happens once. */
export async function timed<T>(phase: string, work: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await work();
  } finally {
    performance.measure(`asl:${phase}`, { start });
  }
}

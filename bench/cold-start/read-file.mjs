// Reads a file as the checkpoint readers do, range by range into arrays of their own; prints the milliseconds.
import { open } from "node:fs/promises";

const RANGE = 2 ** 20;

const begin = performance.now();
const handle = await open(process.argv[2], "r");
const { size } = await handle.stat();
const kept = [];
for (let at = 0; at < size; at += RANGE) {
  const bytes = new Uint8Array(Math.min(RANGE, size - at));
  await handle.read(bytes, 0, bytes.length, at);
  kept.push(bytes);
}
await handle.close();
console.log(performance.now() - begin);

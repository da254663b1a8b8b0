/**
 * Gives the memory of arrays back at once; nobody may use them afterwards. Their garbage collection alone would come late:
 * it is their few JavaScript objects that count for it, not the hundreds of megabytes behind them.
 */
export function discard(arrays: readonly ArrayBufferView[]): void {
  const buffers = arrays.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer);
  if (buffers.length === 0) return;
  // What is sent to a port without another end is taken from the sender and goes nowhere.
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.postMessage(undefined, [...new Set(buffers)]);
  port1.close();
}

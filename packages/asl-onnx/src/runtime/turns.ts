import type { OnnxRuntime } from "./tensors.js";

const last = new WeakMap<object, Promise<unknown>>();

/**
 * One call at a time for all sessions of a runtime, whatever its provider: a WebGPU build refuses a second one until the
 * first is over, and on the processor a second one would share the cores of the first.
 */
export function inTurn<T>(runtime: OnnxRuntime, call: () => Promise<T>): Promise<T> {
  const before = last.get(runtime.InferenceSession) ?? Promise.resolve();
  const result = before.then(call, call);
  last.set(runtime.InferenceSession, result);
  return result;
}

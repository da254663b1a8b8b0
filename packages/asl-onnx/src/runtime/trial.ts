import type { OnnxRuntime } from "./tensors.js";

/** What a trial finds of a runtime, tried once for each; a trial that fails is repeated the next time. */
export function triedOnce<Answer>(
  trial: (runtime: OnnxRuntime) => Promise<Answer>,
): (runtime: OnnxRuntime) => Promise<Answer> {
  const known = new WeakMap<object, Promise<Answer>>();
  return (runtime) => {
    const key = runtime.InferenceSession;
    const before = known.get(key);
    if (before !== undefined) return before;
    const answer = trial(runtime);
    answer.catch(() => known.delete(key));
    known.set(key, answer);
    return answer;
  };
}

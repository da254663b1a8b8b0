import { InterruptedError } from "./errors.js";
import { EXIT } from "./exit-codes.js";

/**
 * Turns Ctrl-C and a request to terminate into an abort signal. The first one aborts, so that work can finish its step
 * and save; the second ends the process at once.
 */
export function listenForInterruption(note: (line: string) => void): { signal: AbortSignal; forget(): void } {
  const controller = new AbortController();
  const listen = (exitCode: number) => () => {
    if (controller.signal.aborted) process.exit(exitCode);
    note("stopping after this step; once more (Ctrl-C) to stop at once");
    controller.abort(new InterruptedError("interrupted", exitCode));
  };
  const listeners = { SIGINT: listen(EXIT.interrupted), SIGTERM: listen(EXIT.terminated) } as const;
  process.on("SIGINT", listeners.SIGINT);
  process.on("SIGTERM", listeners.SIGTERM);
  return {
    signal: controller.signal,
    forget() {
      process.off("SIGINT", listeners.SIGINT);
      process.off("SIGTERM", listeners.SIGTERM);
    },
  };
}

/** Exit codes of every command. */
export const EXIT = {
  ok: 0,
  failed: 1,
  wrongArguments: 2,
  /** Ctrl-C: 128 + SIGINT. */
  interrupted: 130,
  /** 128 + SIGTERM. */
  terminated: 143,
} as const;

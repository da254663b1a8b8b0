import { openProgress, type Progress, type ProgressOptions } from "./progress.js";

/**
 * What a command says while it works. Everything but results goes to stderr, so that stdout is the result alone
 * (with --json: pure JSON).
 */
export interface Reporter {
  /** A line about what is going on; nothing with --quiet. */
  note(line: string): void;
  /** A line about something that is probably not wanted. */
  warn(line: string): void;
  /** A line about a part of the work that failed while the rest goes on. */
  error(line: string): void;
  /** A progress bar on a terminal, sparse lines elsewhere; nothing with --quiet. */
  progress(options: ProgressOptions): Progress;
  /**
   * On a terminal, says what is going on until `stop` or the first progress; nothing elsewhere. For work that leaves the
   * event loop no time to draw a bar, such as making a network ready.
   */
  busy(label: string): { stop(): void };
  /** Results: text to stdout, with a line break at the end. */
  print(text: string): void;
  /** One JSON value on one line of stdout. */
  printJson(value: unknown): void;
}

const CLEARED_LINE = "\r\u001b[K";

export interface ReporterOptions {
  readonly quiet?: boolean;
  readonly stdout?: NodeJS.WritableStream;
  readonly stderr?: NodeJS.WriteStream;
}

export function createReporter({
  quiet = false,
  stdout = process.stdout,
  stderr = process.stderr,
}: ReporterOptions = {}): Reporter {
  let active: Progress | undefined;
  let busyWith: string | undefined;
  const clearBusy = () => {
    if (busyWith !== undefined) stderr.write(CLEARED_LINE);
    busyWith = undefined;
  };
  const line = (text: string) => {
    // notes go above what has a line of its own
    if (busyWith !== undefined) stderr.write(`${CLEARED_LINE}${text}\n${busyWith} ...`);
    else if (active !== undefined) active.interject(text);
    else stderr.write(`${text}\n`);
  };
  return {
    note: (text) => {
      if (!quiet) line(text);
    },
    warn: (text) => line(`warning: ${text}`),
    error: (text) => line(`error: ${text}`),
    progress(options) {
      const opened = openProgress(options, quiet ? undefined : stderr);
      active = opened;
      return {
        update(done, fields) {
          clearBusy();
          opened.update(done, fields);
        },
        interject: opened.interject,
        stop() {
          opened.stop();
          if (active === opened) active = undefined;
        },
      };
    },
    busy(label) {
      if (quiet || stderr.isTTY !== true) return { stop: () => undefined };
      clearBusy();
      busyWith = label;
      stderr.write(`${label} ...`);
      return {
        stop() {
          if (busyWith === label) clearBusy();
        },
      };
    },
    print: (text) => void stdout.write(`${text}\n`),
    printJson: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
  };
}

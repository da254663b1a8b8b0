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
  /** Results: text to stdout, with a line break at the end. */
  print(text: string): void;
  /** One JSON value on one line of stdout. */
  printJson(value: unknown): void;
}

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
  const line = (text: string) => {
    // a bar redraws its own line: notes go above it
    if (active === undefined) stderr.write(`${text}\n`);
    else active.interject(text);
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
        update: opened.update,
        interject: opened.interject,
        stop() {
          opened.stop();
          if (active === opened) active = undefined;
        },
      };
    },
    print: (text) => void stdout.write(`${text}\n`),
    printJson: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
  };
}

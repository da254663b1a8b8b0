import { SingleBar } from "cli-progress";

export interface ProgressOptions {
  /** What is being done: "epoch 1/3". */
  readonly label: string;
  readonly total: number;
  /** What is counted: "images". */
  readonly unit: string;
  /** Where counting starts, after an interruption. Default 0. */
  readonly start?: number;
}

export interface Progress {
  /** `fields` are shown as "name value" behind the bar: { loss: "12.3" }. Images/s and ETA are added here. */
  update(done: number, fields?: Readonly<Record<string, string>>): void;
  /** Writes a line without disturbing the bar. */
  interject(line: string): void;
  stop(): void;
}

/** Without a terminal, a line appears at most this often, in milliseconds, and none for what is over sooner than this. */
const LINE_INTERVAL = 10_000;
const WORTH_A_LINE = 2_000;

const SILENT: Progress = { update: () => undefined, interject: () => undefined, stop: () => undefined };

/** Opens a progress bar (terminal) or sparse lines (file, pipe); silent without a stream. */
export function openProgress(options: ProgressOptions, stream: NodeJS.WriteStream | undefined): Progress {
  if (stream === undefined) return { ...SILENT, interject: (line) => void process.stderr.write(`${line}\n`) };
  return stream.isTTY ? bar(options, stream) : lines(options, stream);
}

function bar(options: ProgressOptions, stream: NodeJS.WriteStream): Progress {
  const { label, total, unit, start = 0 } = options;
  const speed = speedometer(options);
  const single = new SingleBar({
    format: `${label} {bar} {value}/{total} ${unit} {details}`,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 24,
    hideCursor: true,
    clearOnComplete: false,
    stream,
    fps: 8,
  });
  let drawn = false;
  // the process may end at once, and must not leave the terminal without a cursor
  const end = () => single.stop();
  return {
    update(done, fields = {}) {
      // only now: work that turns out to be done already leaves no empty bar behind
      if (!drawn) {
        single.start(total, start, { details: "" });
        process.once("exit", end);
      }
      drawn = true;
      single.update(done, { details: details(fields, speed(done)) });
    },
    interject(line) {
      stream.write(`\r\u001b[K${line}\n`);
      if (drawn) single.render();
    },
    stop() {
      if (!drawn) return;
      process.off("exit", end);
      single.stop();
    },
  };
}

function lines(options: ProgressOptions, stream: NodeJS.WriteStream): Progress {
  const { label, total, unit, start = 0 } = options;
  const speed = speedometer(options);
  const begin = performance.now();
  let lastTime = begin;
  let latest: { done: number; text: string } | undefined;
  let shown = start;
  const show = ({ done, text }: { done: number; text: string }) => {
    stream.write(`${label}: ${done}/${total} ${unit} ${text}\n`);
    shown = done;
    lastTime = performance.now();
  };
  return {
    update(done, fields = {}) {
      latest = { done, text: details(fields, speed(done)) };
      const now = performance.now();
      if (now - lastTime >= LINE_INTERVAL || (done >= total && now - begin >= WORTH_A_LINE)) show(latest);
    },
    interject: (line) => void stream.write(`${line}\n`),
    stop() {
      const worth = performance.now() - begin >= WORTH_A_LINE;
      if (worth && latest !== undefined && latest.done !== shown) show(latest);
    },
  };
}

interface Speed {
  readonly rate: string;
  readonly remaining: string;
}

/** Units per second and remaining time from what was done since the progress was opened. */
function speedometer({ total, unit, start = 0 }: ProgressOptions): (done: number) => Speed {
  const begin = performance.now();
  return (done) => {
    const seconds = (performance.now() - begin) / 1000;
    const rate = done > start && seconds > 0 ? (done - start) / seconds : 0;
    return {
      rate: `${rate.toFixed(rate < 10 ? 1 : 0)} ${unit}/s`,
      remaining: rate === 0 ? "ETA ?" : `ETA ${formatDuration((total - done) / rate)}`,
    };
  };
}

function details(fields: Readonly<Record<string, string>>, { rate, remaining }: Speed): string {
  return [...Object.entries(fields).map(([name, value]) => `${name} ${value}`), rate, remaining].join("  ");
}

/** `8s`, `2m05s`, `1h02m`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const padded = (n: number) => String(n).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${padded(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${padded(Math.floor((whole % 3600) / 60))}m`;
}

import { WriteStream } from "node:tty";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createReporter, formatDuration } from "../src/index.js";
import { openProgress } from "../src/progress.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance", "Date", "setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

/** A stream that keeps what is written; only what progress uses of a terminal. */
function recorder(isTTY: boolean): { stream: WriteStream; text: () => string } {
  let text = "";
  const stream: WriteStream = Object.create(WriteStream.prototype);
  Object.defineProperties(stream, {
    isTTY: { value: isTTY },
    columns: { value: 120 },
    write: {
      value: (chunk: string) => {
        text += chunk;
        return true;
      },
    },
  });
  return { stream, text: () => text };
}

const EPOCH = { label: "epoch 1/2", total: 100, unit: "images" };

describe("progress without a terminal", () => {
  it("writes a line at most every ten seconds, and the last state", () => {
    const { stream, text } = recorder(false);
    const progress = openProgress(EPOCH, stream);
    for (let second = 1; second <= 25; second++) {
      vi.advanceTimersByTime(1000);
      progress.update(4 * second, { loss: String(second) });
    }
    progress.stop();
    expect(text().trimEnd().split("\n")).toEqual([
      "epoch 1/2: 40/100 images loss 10  4.0 images/s  ETA 15s",
      "epoch 1/2: 80/100 images loss 20  4.0 images/s  ETA 5s",
      "epoch 1/2: 100/100 images loss 25  4.0 images/s  ETA 0s",
    ]);
  });

  it("says nothing about what is over at once", () => {
    const { stream, text } = recorder(false);
    const progress = openProgress(EPOCH, stream);
    vi.advanceTimersByTime(500);
    progress.update(100);
    progress.stop();
    expect(text()).toBe("");
  });

  it("counts speed from where it started, not from the beginning of the work", () => {
    const { stream, text } = recorder(false);
    const progress = openProgress({ ...EPOCH, start: 50 }, stream);
    vi.advanceTimersByTime(10_000);
    progress.update(60);
    expect(text()).toBe("epoch 1/2: 60/100 images 1.0 images/s  ETA 40s\n");
  });
});

describe("progress on a terminal", () => {
  it("draws a bar with the fields, images/s and ETA, and keeps interjected lines", () => {
    const { stream, text } = recorder(true);
    const progress = openProgress(EPOCH, stream);
    vi.advanceTimersByTime(1000);
    progress.update(50, { loss: "12.5" });
    vi.advanceTimersByTime(1000);
    progress.interject("a note");
    progress.stop();
    expect(text()).toContain("50/100 images loss 12.5  50 images/s  ETA 1s");
    expect(text()).toContain("a note\n");
  });

  it("draws nothing for work that turns out to be done already", () => {
    const { stream, text } = recorder(true);
    openProgress(EPOCH, stream).stop();
    expect(text()).toBe("");
  });

  it("gives the cursor back, also when the process ends at once", () => {
    const { stream, text } = recorder(true);
    const HIDE = "\u001b[?25l";
    const SHOW = "\u001b[?25h";
    const before = process.listeners("exit");
    const progress = openProgress(EPOCH, stream);
    progress.update(50);
    const [atExit] = process.listeners("exit").filter((listener) => !before.includes(listener));
    expect(text()).toContain(HIDE);
    expect(text()).not.toContain(SHOW);
    atExit?.(130);
    expect(text()).toContain(SHOW);
    progress.stop();
    expect(process.listeners("exit")).toEqual(before);
  });
});

describe("what keeps the event loop", () => {
  const CLEAR = "\r\u001b[K";

  it("has a line on a terminal until it is over or a bar is drawn; notes go above it", () => {
    const { stream, text } = recorder(true);
    const report = createReporter({ stderr: stream });
    const busy = report.busy("opening a.pth");
    report.note("a note");
    expect(text()).toBe(`opening a.pth ...${CLEAR}a note\nopening a.pth ...`);
    busy.stop();
    expect(text().endsWith(`opening a.pth ...${CLEAR}`)).toBe(true);
    const after = text().length;
    const next = report.busy("making the network ready");
    const progress = report.progress(EPOCH);
    progress.update(50);
    expect(text().slice(after)).toContain(`making the network ready ...${CLEAR}`);
    expect(text()).toContain("epoch 1/2 ░");
    progress.stop();
    const end = text();
    next.stop();
    expect(text()).toBe(end);
  });

  it.each([
    ["without a terminal", false, false],
    ["with --quiet", true, true],
  ])("says nothing %s", (_, isTTY, quiet) => {
    const { stream, text } = recorder(isTTY);
    createReporter({ stderr: stream, quiet }).busy("opening a.pth").stop();
    expect(text()).toBe("");
  });
});

describe("formatDuration", () => {
  it.each([
    [0, "0s"],
    [59.4, "59s"],
    [60, "1m00s"],
    [125, "2m05s"],
    [3600, "1h00m"],
    [86_399, "23h59m"],
    [-1, "0s"],
  ])("%d s is %s", (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

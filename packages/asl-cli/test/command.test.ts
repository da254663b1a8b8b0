import { readFileSync } from "node:fs";
import { AslError } from "asl-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createCommand, EXIT, execute, positiveInteger, runCommand, UsageError, versionOf } from "../src/index.js";

const command = () =>
  createCommand({ name: "asl-test", description: "Tests.", examples: ["asl-test --count 3"] })
    .option("--count <n>", "how many", positiveInteger, 1)
    .option("--json", "JSON");

let out = "";
let err = "";
beforeEach(() => {
  out = "";
  err = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += String(text);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

const systemError = Object.assign(new Error("ENOSPC: no space left on device, write"), {
  code: "ENOSPC",
  syscall: "write",
  path: "run/last.snapshot",
});

describe("execute", () => {
  it("shows the version of the package, where the command says whose it is", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
    const of = (given: { version?: string }) =>
      createCommand({ name: "asl-test", ...given, description: "Tests.", examples: [] });
    const never = async () => expect.unreachable();
    expect(await execute(of({ version: versionOf(import.meta.url) }), never, ["--version"])).toBe(EXIT.ok);
    expect(out).toBe(`${version}\n`);
    expect(await execute(of({}), never, ["--version"])).toBe(EXIT.wrongArguments);
    expect(() => versionOf("file:///nowhere/at/all.js")).toThrow("no package.json above file:///nowhere/at/all.js");
  });

  it("gives parsed options, and returns 0 or what the command returns", async () => {
    let count: number | undefined;
    const code = await execute(
      command(),
      async (options) => {
        count = options.count;
        return undefined;
      },
      ["--count", "3"],
    );
    expect([code, count]).toEqual([EXIT.ok, 3]);
    expect(await execute(command(), async () => EXIT.failed, [])).toBe(EXIT.failed);
  });

  it("prints results alone on stdout, everything else on stderr", async () => {
    await execute(
      command(),
      async (_, { report }) => {
        report.note("working");
        report.warn("careful");
        const progress = report.progress({ label: "work", total: 2, unit: "images" });
        progress.update(2, { loss: "1.0" });
        progress.stop();
        report.printJson({ mAP: 1 });
        return undefined;
      },
      ["--json"],
    );
    expect(out).toBe('{"mAP":1}\n');
    expect(err).toContain("working\nwarning: careful\n");
  });

  it("with --quiet says results, warnings and errors only", async () => {
    const main = async (
      _: unknown,
      { report }: { report: { note(line: string): void; warn(line: string): void; print(text: string): void } },
    ) => {
      report.note("working");
      report.warn("careful");
      report.print("done");
      return undefined;
    };
    await execute(command(), main, ["--quiet"]);
    expect([out, err]).toEqual(["done\n", "warning: careful\n"]);
  });

  it.each([
    [
      "an error thrown on purpose by its message alone",
      new AslError("ERR_ASL_X", "x.pth: is empty"),
      "error: x.pth: is empty\n",
    ],
    [
      "a system error by path and meaning",
      systemError,
      "error: run/last.snapshot: no space left on the disk; free some space or choose another folder\n",
    ],
    [
      "a folder that cannot be made on a read-only disk, which Node calls missing",
      Object.assign(new Error("ENOENT: mkdir"), { code: "ENOENT", syscall: "mkdir", path: "ro/run" }),
      "error: ro/run: this folder cannot be made; is the disk read-only?\n",
    ],
    [
      "any other error as a mistake",
      new TypeError("x is undefined"),
      "error: unexpected TypeError: x is undefined (--debug shows where)\n",
    ],
  ])("shows %s, and returns 1", async (_, error, line) => {
    const code = await execute(command(), () => Promise.reject(error), []);
    expect([code, err]).toEqual([EXIT.failed, line]);
  });

  it("with --debug shows the stack and its causes", async () => {
    const error = new Error("outer", { cause: new Error("inner") });
    await execute(command(), () => Promise.reject(error), ["--debug"]);
    expect(err).toMatch(/error: unexpected Error: outer.*at .*caused by Error: inner/s);
  });

  it("returns 2 for arguments that do not fit together", async () => {
    const code = await execute(command(), () => Promise.reject(new UsageError("--a needs --b")), []);
    expect([code, err]).toEqual([EXIT.wrongArguments, "error: --a needs --b\n"]);
  });

  it.each([
    [["--count", "x"], /option '--count <n>' argument 'x' is invalid\. Expected a whole number from 1 on; got "x"/],
    [["--nonsense"], /unknown option '--nonsense'/],
    [["extra"], /too many arguments/],
  ])("returns 2 for %j and never runs the command", async (argv, message) => {
    const code = await execute(command(), () => Promise.reject(new Error("ran")), argv);
    expect(code).toBe(EXIT.wrongArguments);
    expect(err).toMatch(message);
  });

  it.each([
    [["--conut", "3"], "error: unknown option '--conut'\n(Did you mean --count?)\n"],
    [[], "error: required option '--data <folder>' not specified\n"],
  ])("of %j names the unknown option, only then the one that is missing", async (argv, message) => {
    const needs = command().requiredOption("--data <folder>", "pictures");
    expect(await execute(needs, () => Promise.reject(new Error("ran")), argv)).toBe(EXIT.wrongArguments);
    expect(err).toContain(message);
    expect(err.match(/^error/gm)).toHaveLength(1);
  });

  it("--help shows options and examples and returns 0", async () => {
    expect(await execute(command(), () => Promise.reject(new Error("ran")), ["--help"])).toBe(EXIT.ok);
    expect(out).toMatch(/Usage: asl-test.*--count <n>.*\(default: 1\).*Examples:\n {2}\$ asl-test --count 3/s);
  });

  it.each([
    ["SIGINT", EXIT.interrupted],
    ["SIGTERM", EXIT.terminated],
  ] as const)("%s aborts the signal; a command that stops for it returns %i", async (name, exitCode) => {
    const before = process.listenerCount(name);
    const stops = execute(
      command(),
      async (_, { signal }) => {
        process.emit(name);
        signal.throwIfAborted();
        return undefined;
      },
      [],
    );
    expect(await stops).toBe(exitCode);
    expect(err).toMatch(/stopping after this step/);
    const finishes = execute(command(), async () => {
      process.emit(name);
      return EXIT.interrupted;
    }, []);
    expect(await finishes).toBe(EXIT.interrupted);
    expect(process.listenerCount(name)).toBe(before);
  });

  it("the second Ctrl-C ends the process at once", async () => {
    const exit = vi.spyOn(process, "exit").mockImplementation(() => {
      throw new Error("exited");
    });
    const code = await execute(command(), async () => {
      process.emit("SIGINT");
      expect(exit).not.toHaveBeenCalled();
      expect(() => process.emit("SIGINT")).toThrow("exited");
      return undefined;
    }, []);
    expect(code).toBe(EXIT.ok);
    expect(exit).toHaveBeenCalledWith(EXIT.interrupted);
  });
});

describe("runCommand", () => {
  const cannot = (code: string) => Object.assign(new Error(`${code}: write`), { code, syscall: "write" });
  const exitsOf = async (main: () => Promise<undefined>) => {
    const exit = vi.spyOn(process, "exit").mockImplementation((() => undefined) as () => never);
    const written = (text: unknown, done?: unknown) => {
      err += String(text);
      if (typeof done === "function") done();
      return true;
    };
    vi.mocked(process.stdout.write).mockImplementation((_, done?: unknown) => written("", done));
    vi.mocked(process.stderr.write).mockImplementation(written);
    const before = [process.stdout.listeners("error"), process.stderr.listeners("error")] as const;
    try {
      await runCommand(command(), main, []);
    } finally {
      const added = (stream: NodeJS.WriteStream, had: readonly unknown[]) =>
        stream.listeners("error").filter((listener) => !had.includes(listener));
      for (const listener of added(process.stdout, before[0])) process.stdout.off("error", listener as () => void);
      for (const listener of added(process.stderr, before[1])) process.stderr.off("error", listener as () => void);
    }
    return exit.mock.calls.map(([code]) => code);
  };

  it("works on when nobody reads its notes any more", async () => {
    let finished = false;
    const exits = await exitsOf(async () => {
      process.stderr.emit("error", cannot("EPIPE"));
      finished = true;
      return undefined;
    });
    expect([finished, exits, err]).toEqual([true, [EXIT.ok], ""]);
  });

  it("ends with 0 when the reader of its results has seen enough", async () => {
    const exits = await exitsOf(async () => void process.stdout.emit("error", cannot("EPIPE")) as undefined);
    expect([exits[0], err]).toEqual([EXIT.ok, ""]);
  });

  it("says that its results cannot be written, and ends with 1", async () => {
    const exits = await exitsOf(async () => void process.stdout.emit("error", cannot("ENOSPC")) as undefined);
    expect(exits[0]).toBe(EXIT.failed);
    expect(err).toMatch(/^error: the results cannot be written to standard output: no space left on the disk/);
  });
});

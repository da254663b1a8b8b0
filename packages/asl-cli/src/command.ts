import { Command, CommanderError } from "@commander-js/extra-typings";
import { describeError, InterruptedError, UsageError } from "./errors.js";
import { EXIT } from "./exit-codes.js";
import { listenForInterruption } from "./interruption.js";
import { createReporter, type Reporter } from "./reporter.js";

export interface CommandText {
  /** The name under which it is run: "asl-train". */
  readonly name: string;
  /** Of its package (`versionOf`); without one there is no --version. */
  readonly version?: string;
  readonly description: string;
  /** Shown under --help, each a whole command line. */
  readonly examples: readonly string[];
}

/** Commander asks for required options first; yet a misspelled option is often the very one that seems to be missing. */
class UnknownOptionsFirst extends Command {
  override parseOptions(argv: string[]) {
    const parsed = super.parseOptions(argv);
    // what is unknown ends the command in any case: in its help or in an error that names it
    if (parsed.unknown.length > 0) for (const option of this.options) option.mandatory = false;
    return parsed;
  }
}

/** A command with the options that all share: --quiet, --debug, --help, --version. */
export function createCommand({ name, version, description, examples }: CommandText) {
  const command = new UnknownOptionsFirst();
  if (version !== undefined) command.version(version, "--version", "show the version");
  return command
    .name(name)
    .description(description)
    .option("--quiet", "no progress and no notes, only results and errors")
    .option("--debug", "with an unexpected error, show where it came from")
    .addHelpText("after", `\nExamples:\n${examples.map((example) => `  $ ${example}`).join("\n")}\n`)
    .showHelpAfterError("(--help shows all options)")
    .allowExcessArguments(false)
    .exitOverride();
}

export interface SharedOptions {
  readonly quiet?: true | undefined;
  readonly debug?: true | undefined;
}

export interface CommandContext {
  /** Aborted by the first Ctrl-C; its reason is an InterruptedError. */
  readonly signal: AbortSignal;
  readonly report: Reporter;
}

/** What a command needs of commander's Command, with its argument and option types. */
export interface ParsedCommand<Arguments extends unknown[], Options> {
  parse(argv: readonly string[], options: { from: "user" }): unknown;
  opts(): Options;
  readonly processedArgs: Arguments;
}

export type CommandMain<Arguments extends unknown[], Options> = (
  options: Options,
  context: CommandContext,
  ...args: Arguments
) => Promise<number | undefined>;

/**
 * Parses, runs and returns the exit code: what `main` returns (0 when nothing), 1 for an error, 2 for wrong arguments,
 * 130 after Ctrl-C. An error is one line on stderr; unexpected ones show their stack with --debug.
 */
export async function execute<Arguments extends unknown[], Options extends SharedOptions>(
  command: ParsedCommand<Arguments, Options>,
  main: CommandMain<Arguments, Options>,
  argv: readonly string[],
): Promise<number> {
  try {
    command.parse(argv, { from: "user" });
  } catch (error) {
    // commander has written its message already; help and version count as success
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.wrongArguments;
    throw error;
  }
  const options = command.opts();
  const report = createReporter({ quiet: options.quiet === true });
  const interruption = listenForInterruption((line) => report.warn(line));
  try {
    const exitCode = await main(options, { signal: interruption.signal, report }, ...command.processedArgs);
    return exitCode ?? EXIT.ok;
  } catch (error) {
    const { aborted, reason } = interruption.signal;
    if (aborted && (error === reason || isAbort(error)) && reason instanceof InterruptedError) return reason.exitCode;
    process.stderr.write(`error: ${describeError(error)}\n`);
    if (options.debug === true && error instanceof Error) process.stderr.write(`${withCauses(error)}\n`);
    return error instanceof UsageError ? EXIT.wrongArguments : EXIT.failed;
  } finally {
    interruption.forget();
  }
}

/** The whole of a main.ts: runs the command on the process's arguments, then ends the process with its exit code. */
export async function runCommand<Arguments extends unknown[], Options extends SharedOptions>(
  command: ParsedCommand<Arguments, Options>,
  main: CommandMain<Arguments, Options>,
  argv: readonly string[] = process.argv.slice(2),
): Promise<void> {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // a reader that has seen enough (head) closes the pipe: no reason to complain
    const seenEnough = error.code === "EPIPE";
    if (!seenEnough)
      process.stderr.write(`error: the results cannot be written to standard output: ${describeError(error)}\n`);
    process.exit(seenEnough ? EXIT.ok : EXIT.failed);
  });
  // nobody reads what goes on (the pipe is closed, the terminal gone, the disk full): the work is worth it all the same
  process.stderr.on("error", () => undefined);
  const exitCode = await execute(command, main, argv);
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  // native runtimes and worker threads may keep the process alive although all is done
  process.exit(exitCode);
}

const flushed = (stream: NodeJS.WriteStream) => new Promise<void>((resolve) => stream.write("", () => resolve()));

const isAbort = (error: unknown) => error instanceof Error && error.name === "AbortError";

function withCauses(error: Error): string {
  const stack = error.stack ?? String(error);
  return error.cause instanceof Error ? `${stack}\ncaused by ${withCauses(error.cause)}` : stack;
}

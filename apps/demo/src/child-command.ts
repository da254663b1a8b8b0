import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { AslError } from "asl-core";

export type App = "train" | "validate" | "infer" | "export";

/** A command line of this repository, as one types it after `npx pnpm@10`. */
export interface ChildCommand {
  readonly app: App;
  readonly args: readonly string[];
}

export interface ChildOptions {
  /** Stops the command as Ctrl-C does, waits until it has ended, and throws the signal's reason. */
  readonly signal: AbortSignal;
  /** "show" (default) passes its output on, "return" gives it to the caller; its progress is always shown. */
  readonly output?: "show" | "return";
  readonly env?: NodeJS.ProcessEnv;
}

/** A command line ended with another exit code than 0. */
export class ChildCommandError extends AslError {
  readonly exitCode: number | null;
  constructor(command: string, exitCode: number | null, end: string) {
    super("ERR_ASL_DEMO_COMMAND", `this command ${end}: ${command}. Its own message stands above.`);
    this.exitCode = exitCode;
  }
}

/** apps/demo/dist/ -> the repository */
const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));

/** Ended with this process, even when it is stopped at once. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Runs another command line of this repository. Returns what it printed with `output: "return"`, else "". */
export async function runChild(command: ChildCommand, options: ChildOptions): Promise<string> {
  const { signal, output = "show" } = options;
  signal.throwIfAborted();
  const main = path.join(REPOSITORY, "apps", command.app, "dist", "main.js");
  if (!existsSync(main)) {
    throw new AslError("ERR_ASL_DEMO_COMMAND", `${main} is missing. Build first: npx pnpm@10 build`);
  }
  const child = spawn(process.execPath, [main, ...command.args], {
    stdio: ["ignore", output === "show" ? "inherit" : "pipe", "inherit"],
    env: options.env ?? process.env,
    // A session of its own: Ctrl-C reaches it once, through this process, and not a second time from the terminal.
    detached: process.platform !== "win32",
  });
  running.add(child);
  const chunks: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  const interrupt = () => child.kill("SIGINT");
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    const { code, killedBy } = await new Promise<{ code: number | null; killedBy: string | null }>(
      (resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code, killedBy) => resolve({ code, killedBy }));
      },
    );
    signal.throwIfAborted();
    if (code !== 0) {
      const end = code === null ? `was ended by ${killedBy}` : `failed with exit code ${code}`;
      throw new ChildCommandError(typed(command), code, end);
    }
    return Buffer.concat(chunks).toString("utf8");
  } finally {
    signal.removeEventListener("abort", interrupt);
    running.delete(child);
  }
}

/** The command as one could type it in the repository's folder. */
export function typed({ app, args }: ChildCommand): string {
  return ["npx pnpm@10", app, ...args.map(quoted)].join(" ");
}

/** Quoted for a POSIX shell where it must be. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
